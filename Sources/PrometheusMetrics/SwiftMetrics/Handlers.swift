internal import CoreMetrics

extension PrometheusCounter: CounterHandler, FloatingPointCounterHandler {}

extension PrometheusGauge: MeterHandler, RecorderHandler {
    /// Replaces the value.
    package func record(_ value: Int64) {
        set(value)
    }

    /// Replaces the value.
    package func record(_ value: Double) {
        set(value)
    }
}

extension PrometheusHistogram: RecorderHandler, TimerHandler {
    /// Counts a value.
    package func record(_ value: Int64) {
        observe(Double(value))
    }

    /// Counts a value.
    package func record(_ value: Double) {
        observe(value)
    }

    /// Counts a duration, in seconds.
    package func recordNanoseconds(_ duration: Int64) {
        observe(Double(duration) / 1e9)
    }
}
