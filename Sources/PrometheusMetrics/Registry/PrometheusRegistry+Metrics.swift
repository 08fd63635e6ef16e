extension PrometheusRegistry {
    /// A counter with these labels, or with none.
    ///
    /// - Parameters:
    ///   - name: with `_total` or without.
    ///   - help: one sentence for people.
    ///   - unit: a base unit such as `seconds`; it is appended to the name unless it is there.
    ///   - labels: names and values, in any order.
    package func counter(
        _ name: String,
        help: String,
        unit: String? = nil,
        labels: [(String, String)] = []
    ) -> PrometheusCounter {
        metric(.counter, name, help: help, unit: unit, labels: labels, counters)
    }

    /// Counters that differ in these labels: see ``counter(_:help:unit:labels:)``.
    package func counter(
        _ name: String,
        help: String,
        unit: String? = nil,
        labelNames: [String]
    ) -> PrometheusFamily<PrometheusCounter> {
        let description = FamilyDescription(.counter, name, help: help, unit: unit, labelNames: labelNames)
        return family(description, givenNames: labelNames, counters)
    }

    /// A gauge with these labels, or with none: see ``counter(_:help:unit:labels:)``.
    package func gauge(
        _ name: String,
        help: String,
        unit: String? = nil,
        labels: [(String, String)] = []
    ) -> PrometheusGauge {
        metric(.gauge, name, help: help, unit: unit, labels: labels, gauges)
    }

    /// Gauges that differ in these labels: see ``counter(_:help:unit:labels:)``.
    package func gauge(
        _ name: String,
        help: String,
        unit: String? = nil,
        labelNames: [String]
    ) -> PrometheusFamily<PrometheusGauge> {
        let description = FamilyDescription(.gauge, name, help: help, unit: unit, labelNames: labelNames)
        return family(description, givenNames: labelNames, gauges)
    }

    /// A histogram with these labels, or with none: see ``counter(_:help:unit:labels:)``.
    package func histogram(
        _ name: String,
        help: String,
        unit: String? = nil,
        labels: [(String, String)] = [],
        buckets: PrometheusBuckets = .durations
    ) -> PrometheusHistogram {
        metric(.histogram, name, help: help, unit: unit, labels: labels, histograms(buckets))
    }

    /// Histograms that differ in these labels: see ``counter(_:help:unit:labels:)``.
    package func histogram(
        _ name: String,
        help: String,
        unit: String? = nil,
        labelNames: [String],
        buckets: PrometheusBuckets = .durations
    ) -> PrometheusFamily<PrometheusHistogram> {
        let description = FamilyDescription(.histogram, name, help: help, unit: unit, labelNames: labelNames)
        return family(description, givenNames: labelNames, histograms(buckets))
    }

    private var counters: Blueprint<PrometheusCounter> {
        let shards = limits.shards
        return Blueprint(
            make: { PrometheusCounter(shards: shards, place: $0) },
            write: { $0.counter($2.number, of: $1) }
        )
    }

    private var gauges: Blueprint<PrometheusGauge> {
        Blueprint(
            make: { PrometheusGauge(place: $0) },
            write: { $0.gauge($2.value, of: $1) }
        )
    }

    private func histograms(_ buckets: PrometheusBuckets) -> Blueprint<PrometheusHistogram> {
        let shards = limits.shards
        var buckets = buckets
        if buckets.bounds.count > limits.buckets {
            report.count(.buckets)
            buckets = PrometheusBuckets(Array(buckets.bounds.prefix(limits.buckets)))
        }
        return Blueprint(
            buckets: buckets,
            make: { [buckets] in PrometheusHistogram(buckets: buckets, shards: shards, place: $0) },
            write: { $0.histogram($2, of: $1) }
        )
    }
}
