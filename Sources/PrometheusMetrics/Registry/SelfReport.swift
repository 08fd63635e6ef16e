/// What a registry counts about its own use.
struct SelfReport: Sendable {
    /// Why a metric is not what its caller asked for.
    enum Conflict: String, CaseIterable {
        /// A histogram's bounds differ from those that it has, or are too many.
        case buckets
        /// A label is given twice.
        case duplicateLabel = "duplicate_label"
        /// Label names differ from the family's, or values are not as many.
        case labels
        /// The name belongs to another kind of family, or to the samples of another.
        case name
        /// `le` in a histogram.
        case reservedLabel = "reserved_label"
        /// There are more labels than the limit.
        case tooManyLabels = "too_many_labels"
    }

    let familyOverflow: PrometheusCounter
    let seriesOverflow: PrometheusCounter
    private let conflicts: [Conflict: PrometheusCounter]

    /// Families that show the counts.
    let families: [any SeriesFamily]

    init() {
        func family(_ name: String, _ help: String, _ label: String) -> PrometheusFamily<PrometheusCounter> {
            PrometheusFamily(
                FamilyDescription(.counter, name, help: help, labelNames: [label]),
                limits: PrometheusLimits(),
                report: nil,
                make: { PrometheusCounter(shards: 1, place: $0) },
                write: { $0.counter($2.number, of: $1) }
            )
        }
        let overflows = family(
            "prometheus_metrics_overflow",
            "Requests for metrics that a limit on families or series has turned away.",
            "limit"
        )
        let refusals = family(
            "prometheus_metrics_conflicts",
            "Requests for metrics that contradict others or the format.",
            "reason"
        )
        familyOverflow = overflows.with("families")
        seriesOverflow = overflows.with("series")
        conflicts = Dictionary(
            uniqueKeysWithValues: Conflict.allCases.map { ($0, refusals.with($0.rawValue)) }
        )
        families = [overflows, refusals]
    }

    func count(_ conflict: Conflict) {
        conflicts[conflict]?.increment()
    }
}
