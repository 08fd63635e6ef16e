internal import Synchronization

extension PrometheusRegistry {
    /// What makes a family's metrics and shows them.
    struct Blueprint<Metric: AnyObject & Sendable>: Sendable {
        var buckets: PrometheusBuckets?
        var make: @Sendable (SeriesPlace?) -> Metric
        var write: PrometheusFamily<Metric>.Write
    }

    /// The family of this description, or one that is not shown.
    ///
    /// - Parameters:
    ///   - givenNames: its label names as the caller has written them.
    ///   - anyOrder: whether label names may be in another order.
    func family<Metric>(
        _ description: FamilyDescription,
        givenNames: [String],
        anyOrder: Bool = false,
        _ blueprint: Blueprint<Metric>
    ) -> PrometheusFamily<Metric> {
        func new() -> PrometheusFamily<Metric> {
            PrometheusFamily(
                description,
                buckets: blueprint.buckets,
                limits: limits,
                report: report,
                make: blueprint.make,
                write: blueprint.write
            )
        }
        guard acceptsLabels(of: description, givenNames: givenNames) else { return new() }
        return state.withLock { state in
            guard let content = state.families[description.name] else {
                let family = new()
                if claim(description, &state) { state.insert(.series(family), description) }
                return family
            }
            guard case .series(let known) = content, let known = known as? PrometheusFamily<Metric> else {
                report.count(.name)
                return new()
            }
            guard Self.sameLabels(known.description.labelNames, description.labelNames, anyOrder: anyOrder) else {
                report.count(.labels)
                return new()
            }
            if known.buckets != blueprint.buckets { report.count(.buckets) }
            return known
        }
    }

    /// The metric of these labels, whose order does not matter.
    func metric<Metric>(
        _ kind: FamilyDescription.Kind,
        _ name: String,
        help: String,
        unit: String?,
        labels: [(String, String)],
        _ blueprint: Blueprint<Metric>
    ) -> Metric {
        var values: [String: String] = [:]
        var given: [String] = []
        for (name, value) in labels {
            let sanitized = FamilyDescription.labelName(name, in: kind)
            if values[sanitized] == nil {
                values[sanitized] = value
                given.append(name)
            } else {
                report.count(.duplicateLabel)
            }
        }
        let description = FamilyDescription(kind, name, help: help, unit: unit, labelNames: values.keys.sorted())
        let family = family(description, givenNames: given, anyOrder: true, blueprint)
        return family.with(family.description.labelNames.map { values[$0] ?? "" })
    }

    /// Whether labels are few enough and each is there once.
    func acceptsLabels(of description: FamilyDescription, givenNames: [String]) -> Bool {
        if description.kind == .histogram,
            givenNames.contains(where: { MetricNames.label($0) == FamilyDescription.reservedLabel })
        {
            report.count(.reservedLabel)
        }
        guard description.labelNames.count <= limits.labels else {
            report.count(.tooManyLabels)
            return false
        }
        guard Set(description.labelNames).count == description.labelNames.count else {
            report.count(.duplicateLabel)
            return false
        }
        return true
    }

    /// Whether there is room for a new family and no other has one of its names.
    func claim(_ description: FamilyDescription, _ state: inout State) -> Bool {
        guard state.claims.isDisjoint(with: description.claimedNames) else {
            report.count(.name)
            return false
        }
        guard state.families.count - report.families.count < limits.families else {
            report.familyOverflow.increment()
            return false
        }
        return true
    }

    private static func sameLabels(_ one: [String], _ other: [String], anyOrder: Bool) -> Bool {
        anyOrder ? one.sorted() == other.sorted() : one == other
    }
}
