package import CoreMetrics

/// Shows metrics of swift-metrics through a registry.
///
/// | swift-metrics | Prometheus |
/// |---|---|
/// | `Counter`, `FloatingPointCounter` | counter |
/// | `Meter`, `Gauge`, `Recorder` that does not aggregate | gauge |
/// | `Recorder` | histogram |
/// | `Timer` | histogram in seconds, whose name ends so |
///
/// Labels of swift-metrics are names here, and dimensions are labels, in any order. Metrics of the same label and dimensions are the same
/// one, and destroying one destroys it for all. The first of a name decides about its kind and the names of its labels: see
/// ``PrometheusRegistry`` for what becomes of the others.
package struct PrometheusMetricsFactory: MetricsFactory {
    private let registry: PrometheusRegistry
    private let buckets: BucketPolicy
    private let help: @Sendable (String) -> String?

    /// A factory for a registry, which may be used directly, too.
    ///
    /// - Parameters:
    ///   - buckets: the buckets of timers and recorders.
    ///   - help: says in a sentence what a label of swift-metrics means, or gives nil; the label stands in then.
    package init(
        registry: PrometheusRegistry,
        buckets: BucketPolicy = BucketPolicy(),
        help: @escaping @Sendable (_ label: String) -> String? = { _ in nil }
    ) {
        self.registry = registry
        self.buckets = buckets
        self.help = help
    }

    /// A counter that takes whole numbers.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        registry.counter(label, help: helpText(label), labels: dimensions)
    }

    /// A counter that takes all numbers.
    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        registry.counter(label, help: helpText(label), labels: dimensions)
    }

    /// A gauge.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        registry.gauge(label, help: helpText(label), labels: dimensions)
    }

    /// A histogram, or a gauge of the last value where nothing is aggregated.
    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return registry.gauge(label, help: helpText(label), labels: dimensions) }
        return registry.histogram(
            label,
            help: helpText(label),
            labels: dimensions,
            buckets: buckets.buckets(for: label, kind: .recorder)
        )
    }

    /// A histogram in seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        registry.histogram(
            label,
            help: helpText(label),
            unit: "seconds",
            labels: dimensions,
            buckets: buckets.buckets(for: label, kind: .timer)
        )
    }

    /// Shows a counter no more.
    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }

    /// Shows a counter no more.
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }

    /// Shows a meter no more.
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }

    /// Shows a recorder no more.
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }

    /// Shows a timer no more.
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        if let metric = handler as? any RegisteredMetric { registry.remove(metric) }
    }

    private func helpText(_ label: String) -> String {
        help(label) ?? label
    }
}
