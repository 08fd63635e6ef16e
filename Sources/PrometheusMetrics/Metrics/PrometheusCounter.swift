internal import Synchronization

/// A number that only grows: what has happened since the start.
///
/// Any thread may increment, without waiting for another; whole and fractional amounts may be mixed. Amounts that are not positive and
/// finite are ignored, and the sum stays at the largest number rather than to wrap around.
package final class PrometheusCounter: RegisteredMetric {
    private struct Slot: ~Copyable, Sendable {
        let whole = Atomic<UInt64>(0)
        /// The bits of a `Double`.
        let fractional = Atomic<UInt64>(0)
        private let padding = Padding()
    }

    private let shards: Shards<Slot>
    let place: SeriesPlace?

    init(shards: Int, place: SeriesPlace?) {
        self.shards = Shards(count: shards) { Slot() }
        self.place = place
    }

    /// Adds one.
    package func increment() {
        add(1)
    }

    /// Adds a whole number.
    package func increment(by amount: Int) {
        guard amount > 0 else { return }
        add(UInt64(amount))
    }

    /// Adds a whole number.
    package func increment(by amount: Int64) {
        guard amount > 0 else { return }
        add(UInt64(amount))
    }

    /// Adds any number.
    package func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        shards.withLocal { slot in
            var old = slot.fractional.load(ordering: .relaxed)
            while true {
                let sum = min(Double(bitPattern: old) + amount, .greatestFiniteMagnitude)
                let (exchanged, original) = slot.fractional.compareExchange(
                    expected: old,
                    desired: sum.bitPattern,
                    ordering: .relaxed
                )
                if exchanged { return }
                ThreadIndex.advance()
                old = original
            }
        }
    }

    /// Starts again from zero, as swift-metrics asks for; what is added meanwhile may be lost. Prometheus sees a restart.
    package func reset() {
        shards.forEach { slot in
            slot.whole.store(0, ordering: .relaxed)
            slot.fractional.store(0, ordering: .relaxed)
        }
    }

    /// The sum so far. Linear in the number of shards, as scraping is.
    package var value: Double { number.real }

    /// The sum, exact while all amounts were whole.
    var number: SampleNumber {
        var whole: UInt64 = 0
        var fractional = 0.0
        shards.forEach { slot in
            whole = whole.addingSaturating(slot.whole.load(ordering: .relaxed))
            fractional += Double(bitPattern: slot.fractional.load(ordering: .relaxed))
        }
        guard fractional > 0 else { return .whole(whole) }
        return .real(min(Double(whole) + fractional, .greatestFiniteMagnitude))
    }

    @inline(__always)
    private func add(_ amount: UInt64) {
        shards.withLocal { slot in
            var old = slot.whole.load(ordering: .relaxed)
            while true {
                let (exchanged, original) = slot.whole.compareExchange(
                    expected: old,
                    desired: old.addingSaturating(amount),
                    ordering: .relaxed
                )
                if exchanged { return }
                ThreadIndex.advance()
                old = original
            }
        }
    }
}

extension UInt64 {
    @inline(__always)
    fileprivate func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
