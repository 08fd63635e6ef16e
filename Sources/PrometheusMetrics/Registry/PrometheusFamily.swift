internal import Synchronization

/// A family whatever its metrics are.
protocol SeriesFamily: AnyObject, Sendable {
    var description: FamilyDescription { get }
    /// A histogram's, else nil.
    var buckets: PrometheusBuckets? { get }
    func write(to writer: inout ExpositionWriter)
    func remove(_ metric: any RegisteredMetric, at labelValues: [String])
}

/// Metrics of one name that differ in the values of their labels.
///
/// Callers on a hot path ask once for the metric of a label set and keep it.
package final class PrometheusFamily<Metric: AnyObject & Sendable>: SeriesFamily {
    typealias Write = @Sendable (inout ExpositionWriter, ExpositionWriter.Series, Metric) -> Void

    private struct Series {
        let labelValues: [String]
        let labels: [UInt8]
        let metric: Metric
    }

    /// Guards against two threads that add the same series; recording does not come here.
    private struct Table {
        var metrics: [[String]: Metric] = [:]
        /// By label values.
        var ordered: [Series] = []
        var overflow: Metric?
    }

    /// The value of all labels of the series for what is beyond the limit.
    package static var overflowLabelValue: String { "_overflow" }

    let description: FamilyDescription
    let buckets: PrometheusBuckets?
    private let limits: PrometheusLimits
    private let report: SelfReport?
    private let make: @Sendable (SeriesPlace?) -> Metric
    private let writeMetric: Write
    private let table = Mutex(Table())

    init(
        _ description: FamilyDescription,
        buckets: PrometheusBuckets? = nil,
        limits: PrometheusLimits,
        report: SelfReport?,
        make: @escaping @Sendable (SeriesPlace?) -> Metric,
        write: @escaping Write
    ) {
        self.description = description
        self.buckets = buckets
        self.limits = limits
        self.report = report
        self.make = make
        writeMetric = write
    }

    /// The metric for these values, in the order in which the label names were declared; the same one for the same values.
    ///
    /// Beyond the limit of label sets it is one that all further ones share. With too few or too many values it works and is not shown.
    /// One lock and one hash: tens to hundreds of nanoseconds.
    package func with(_ labelValues: String...) -> Metric {
        with(labelValues)
    }

    /// The metric for these values: see ``with(_:)-(String...)``.
    package func with(_ labelValues: [String]) -> Metric {
        guard labelValues.count == description.labelNames.count else {
            report?.count(.labels)
            return make(nil)
        }
        let values = labelValues.map { $0.truncated(toBytes: limits.labelValueBytes) }
        return table.withLock { table in
            if let metric = table.metrics[values] { return metric }
            // Two series must not look the same: who asks for these very values gets what is shared.
            if !values.isEmpty, values.allSatisfy({ $0 == Self.overflowLabelValue }) { return sharedMetric(&table) }
            guard table.metrics.count < limits.seriesPerFamily else {
                report?.seriesOverflow.increment()
                return sharedMetric(&table)
            }
            let metric = make(SeriesPlace(family: description.name, labelValues: values))
            table.metrics[values] = metric
            table.ordered.insert(
                Series(
                    labelValues: values,
                    labels: LabelText.rendered(names: description.labelNames, values: values),
                    metric: metric
                ),
                at: table.ordered.firstPosition { values.lexicographicallyPrecedes($0.labelValues) }
            )
            return metric
        }
    }

    /// Forgets the metric for these values; who holds it may go on to use it, and nobody will see that.
    package func remove(_ labelValues: [String]) {
        remove(labelValues.map { $0.truncated(toBytes: limits.labelValueBytes) }) { _ in true }
    }

    func remove(_ metric: any RegisteredMetric, at labelValues: [String]) {
        remove(labelValues) { $0 === metric }
    }

    func write(to writer: inout ExpositionWriter) {
        var (series, overflow) = table.withLock { ($0.ordered, $0.overflow) }
        if let overflow {
            let values = description.labelNames.map { _ in Self.overflowLabelValue }
            let added = Series(
                labelValues: values,
                labels: LabelText.rendered(names: description.labelNames, values: values),
                metric: overflow
            )
            series.insert(added, at: series.firstPosition { values.lexicographicallyPrecedes($0.labelValues) })
        }
        guard !series.isEmpty else { return }
        writer.header(of: description)
        for one in series {
            writeMetric(&writer, ExpositionWriter.Series(family: description, labels: one.labels), one.metric)
        }
    }

    private func sharedMetric(_ table: inout Table) -> Metric {
        if let metric = table.overflow { return metric }
        let metric = make(nil)
        table.overflow = metric
        return metric
    }

    private func remove(_ labelValues: [String], where condition: (Metric) -> Bool) {
        table.withLock { table in
            guard let metric = table.metrics[labelValues], condition(metric) else { return }
            table.metrics[labelValues] = nil
            table.ordered.removeAll { $0.labelValues == labelValues }
        }
    }
}
