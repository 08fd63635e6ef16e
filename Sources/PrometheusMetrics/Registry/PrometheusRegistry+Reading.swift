internal import Synchronization

/// A value that is read when somebody scrapes.
package struct PrometheusSample: Sendable, Hashable {
    /// Its labels' values, in the order of the family's label names.
    package var labelValues: [String]
    /// The value.
    package var value: Double

    /// A sample.
    package init(_ labelValues: [String] = [], value: Double) {
        self.labelValues = labelValues
        self.value = value
    }
}

/// Several families that are read together, when somebody scrapes.
package protocol PrometheusCollector: Sendable {
    /// What is read; counters and gauges only.
    var families: [FamilyDescription] { get }

    /// The samples of each family, in the order of ``families``; none where there is nothing to show.
    func collect() -> [[PrometheusSample]]
}

/// Values that are read when somebody scrapes. Closures run on the thread that scrapes, perhaps on several at a time, and should be quick.
///
/// Samples beyond the limit of series are left out and counted, as are those whose label values are too many, too few or the same as
/// another's. A counter's value that is negative, infinite or NaN is left out.
extension PrometheusRegistry {
    /// Shows a gauge whose value `read` gives.
    package func gauge(_ name: String, help: String, unit: String? = nil, read: @escaping @Sendable () -> Double) {
        register([FamilyDescription(.gauge, name, help: help, unit: unit)]) { [[PrometheusSample(value: read())]] }
    }

    /// Shows gauges whose values `samples` gives.
    package func gauge(
        _ name: String,
        help: String,
        unit: String? = nil,
        labelNames: [String],
        samples: @escaping @Sendable () -> [PrometheusSample]
    ) {
        let description = FamilyDescription(.gauge, name, help: help, unit: unit, labelNames: labelNames)
        register([description]) { [samples()] }
    }

    /// Shows a counter whose value `read` gives; it must never shrink.
    package func counter(_ name: String, help: String, unit: String? = nil, read: @escaping @Sendable () -> Double) {
        register([FamilyDescription(.counter, name, help: help, unit: unit)]) { [[PrometheusSample(value: read())]] }
    }

    /// Shows counters whose values `samples` gives; none must ever shrink.
    package func counter(
        _ name: String,
        help: String,
        unit: String? = nil,
        labelNames: [String],
        samples: @escaping @Sendable () -> [PrometheusSample]
    ) {
        let description = FamilyDescription(.counter, name, help: help, unit: unit, labelNames: labelNames)
        register([description]) { [samples()] }
    }

    /// Shows what `collector` reads. Of families whose names are taken, the first stays.
    package func register(_ collector: some PrometheusCollector) {
        register(collector.families) { collector.collect() }
    }

    private func register(_ families: [FamilyDescription], read: @escaping @Sendable () -> [[PrometheusSample]]) {
        let accepted = families.map { acceptsLabels(of: $0, givenNames: $0.labelNames) }
        state.withLock { state in
            var isShown = false
            for (index, description) in families.enumerated() where accepted[index] {
                guard description.kind != .histogram else {
                    report.count(.name)
                    continue
                }
                guard claim(description, &state) else { continue }
                state.insert(.read(description, group: state.groups.count, index: index), description)
                isShown = true
            }
            if isShown { state.groups.append(Group(read: read)) }
        }
    }

    func write(_ samples: [PrometheusSample], of description: FamilyDescription, to writer: inout ExpositionWriter) {
        var shown: [[String]: Double] = [:]
        for sample in samples {
            guard sample.labelValues.count == description.labelNames.count else {
                report.count(.labels)
                continue
            }
            let isMeaningful = description.kind == .gauge || (sample.value >= 0 && sample.value.isFinite)
            guard isMeaningful else { continue }
            let values = sample.labelValues.map { $0.truncated(toBytes: limits.labelValueBytes) }
            guard shown[values] == nil else {
                report.count(.labels)
                continue
            }
            guard shown.count < limits.seriesPerFamily else {
                report.seriesOverflow.increment()
                continue
            }
            shown[values] = sample.value
        }
        guard !shown.isEmpty else { return }
        writer.header(of: description)
        for (values, value) in shown.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let labels = LabelText.rendered(names: description.labelNames, values: values)
            let series = ExpositionWriter.Series(family: description, labels: labels)
            if description.kind == .counter {
                writer.counter(.real(value), of: series)
            } else {
                writer.gauge(value, of: series)
            }
        }
    }
}
