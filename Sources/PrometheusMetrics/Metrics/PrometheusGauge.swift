internal import Synchronization

/// A number that goes up and down.
///
/// Any thread may change it. Changes have an order, so all threads share one place: a gauge that is changed very often by many is better
/// read at scrape time, through a closure.
package final class PrometheusGauge: RegisteredMetric {
    /// The bits of a `Double`.
    private let bits = Atomic<UInt64>(0)
    let place: SeriesPlace?

    init(place: SeriesPlace?) {
        self.place = place
    }

    /// Replaces the value; infinities and NaN are shown as such.
    package func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Replaces the value.
    package func set(_ value: Int64) {
        set(Double(value))
    }

    /// Replaces the value.
    package func set(_ value: Int) {
        set(Double(value))
    }

    /// Adds `amount`; NaN is ignored.
    package func increment(by amount: Double = 1) {
        guard !amount.isNaN else { return }
        var old = bits.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = bits.weakCompareExchange(
                expected: old,
                desired: (Double(bitPattern: old) + amount).bitPattern,
                ordering: .relaxed
            )
            if exchanged { return }
            old = original
        }
    }

    /// Subtracts `amount`; NaN is ignored.
    package func decrement(by amount: Double = 1) {
        increment(by: -amount)
    }

    /// The value now.
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}
