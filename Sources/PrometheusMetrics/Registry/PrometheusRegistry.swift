internal import Synchronization

/// Metrics, and how they are shown to Prometheus.
///
/// Asking twice for the same metric gives the same one. No call fails, whatever names it is given; what cannot be done is counted in
/// `prometheus_metrics_conflicts_total`, by reason, and the caller gets a metric that works and is not shown:
///
/// - Names are made what Prometheus takes: other characters become underscores, a digit in front gets one.
/// - A name that belongs to another kind of family, to other label names, or to the samples of another family: not shown.
/// - A label name that is given twice: the first counts, where values come with the names; else not shown.
/// - `le` as a label of a histogram becomes `exported_le`; a second leading underscore is dropped.
/// - Other buckets for a histogram that exists: it keeps those that it has.
///
/// Memory is bounded by ``PrometheusLimits``; what is beyond is counted in `prometheus_metrics_overflow_total`, by limit.
package final class PrometheusRegistry: Sendable {
    /// Reads several families at once, when somebody scrapes.
    struct Group: Sendable {
        var read: @Sendable () -> [[PrometheusSample]]
    }

    enum Content: Sendable {
        case series(any SeriesFamily)
        case read(FamilyDescription, group: Int, index: Int)
    }

    /// Guards registration and the list for a scrape; recording does not come here.
    struct State: Sendable {
        var families: [String: Content] = [:]
        /// The names of families.
        var ordered: [String] = []
        var claims: Set<String> = []
        var groups: [Group] = []

        mutating func insert(_ content: Content, _ description: FamilyDescription) {
            families[description.name] = content
            ordered.insert(description.name, at: ordered.firstPosition { $0 > description.name })
            claims.formUnion(description.claimedNames)
        }
    }

    /// How much is kept.
    package let limits: PrometheusLimits
    let report: SelfReport
    let state: Mutex<State>
    /// How large the last exposition was, so that the next need not grow step by step.
    private let lastSize = Atomic<Int>(4096)

    /// A registry with nothing but its own two families in it.
    package init(limits: PrometheusLimits = PrometheusLimits()) {
        self.limits = limits
        report = SelfReport()
        var state = State()
        for family in report.families { state.insert(.series(family), family.description) }
        self.state = Mutex(state)
    }

    /// All metrics as they are now: families by name, series by label values.
    ///
    /// Closures are called on the calling thread, and no lock is held meanwhile. Metrics go on to change while they are written; each
    /// histogram's counts and sum belong together.
    package func exposition(_ format: ExpositionFormat) -> [UInt8] {
        let (contents, groups) = state.withLock { state in
            (state.ordered.compactMap { state.families[$0] }, state.groups)
        }
        let readings = groups.map { $0.read() }
        var writer = ExpositionWriter(format: format, capacity: lastSize.load(ordering: .relaxed) + 1024)
        for content in contents {
            switch content {
            case .series(let family):
                family.write(to: &writer)
            case .read(let description, let group, let index):
                guard index < readings[group].count else { continue }
                write(readings[group][index], of: description, to: &writer)
            }
        }
        let bytes = writer.finished()
        lastSize.store(bytes.count, ordering: .relaxed)
        return bytes
    }

    /// Removes a metric that a caller will not use any more; others that hold it may go on, and nobody will see that.
    func remove(_ metric: any RegisteredMetric) {
        guard let place = metric.place else { return }
        let content = state.withLock { $0.families[place.family] }
        if case .series(let family) = content { family.remove(metric, at: place.labelValues) }
    }
}
