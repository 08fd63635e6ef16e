internal import Synchronization

/// How often a value was up to each of several bounds, and the sum of all values.
///
/// Any thread may observe. Each has a shard of its own while there are enough; a shard's lock is held for two additions, and it makes sum
/// and counts agree at any moment, which atomics alone would not.
///
/// - NaN is ignored.
/// - A negative value counts as zero, unless there are negative bounds: a clock that was set must not make the sum shrink.
/// - An infinite value is counted and left out of the sum, which could never leave infinity again. The sum does not grow beyond the
///   largest number.
package final class PrometheusHistogram: RegisteredMetric {
    /// Counts for each bucket, not cumulative, and the sum.
    struct Cells: Sendable {
        var counts: ContiguousArray<UInt64>
        var sum = 0.0
    }

    private struct Slot: ~Copyable, Sendable {
        let cells: Mutex<Cells>
        private let padding = Padding()

        init(buckets: Int) {
            // Behind the counts 128 bytes stay unused: what another thread writes must not be in the same pair of cache lines.
            var counts = ContiguousArray<UInt64>(repeating: 0, count: buckets)
            counts.reserveCapacity(buckets + 16)
            cells = Mutex(Cells(counts: counts))
        }
    }

    let buckets: PrometheusBuckets
    private let shards: Shards<Slot>
    private let exemplars = Mutex(KeptExemplars())
    let place: SeriesPlace?

    init(buckets: PrometheusBuckets, shards: Int, place: SeriesPlace?) {
        self.buckets = buckets
        self.shards = Shards(count: shards) { Slot(buckets: buckets.bounds.count + 1) }
        self.place = place
    }

    /// Counts a value. O(log buckets).
    package func observe(_ value: Double) {
        _ = count(value)
    }

    /// Counts a value and keeps its trace as the example of its bucket, instead of the one before. Where another thread is just doing the
    /// same, the trace may be left out; the value never is.
    package func observe(_ value: Double, exemplar: Exemplar?) {
        guard let (position, counted) = count(value), let exemplar else { return }
        _ = exemplars.withLockIfAvailable {
            $0.keep(exemplar, value: counted, position: position, count: buckets.bounds.count + 1)
        }
    }

    /// Counts a duration, in seconds.
    package func observe(_ duration: Duration, exemplar: Exemplar? = nil) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18, exemplar: exemplar)
    }

    /// How many values were counted.
    package var count: UInt64 { cells.counts.reduce(0, &+) }

    /// The sum of all values.
    package var sum: Double { cells.sum }

    /// All shards together. Each is read under its lock, so counts and sum hold the same observations.
    var cells: Cells {
        var total = Cells(counts: ContiguousArray(repeating: 0, count: buckets.bounds.count + 1))
        shards.forEach { slot in
            // Added up under the lock: a copy of the counts would make the next observation copy them, too.
            slot.cells.withLock { cells in
                for position in total.counts.indices { total.counts[position] &+= cells.counts[position] }
                total.sum = Self.saturated(total.sum + cells.sum)
            }
        }
        return total
    }

    /// What is kept of examples.
    var keptExemplars: KeptExemplars { exemplars.withLock { $0 } }

    @inline(__always)
    private func count(_ value: Double) -> (position: Int, counted: Double)? {
        guard !value.isNaN else { return nil }
        let counted = value < 0 && !buckets.haveNegative ? 0 : value
        let position = buckets.position(of: counted)
        let summand = counted.isFinite ? counted : 0
        // Who finds the shard taken goes on to the next, once, and stays there.
        let done: Void? = shards.withLocal { slot in
            slot.cells.withLockIfAvailable { Self.add(summand, at: position, to: &$0) }
        }
        if done == nil {
            ThreadIndex.advance()
            shards.withLocal { slot in
                slot.cells.withLock { Self.add(summand, at: position, to: &$0) }
            }
        }
        return (position, counted)
    }

    @inline(__always)
    private static func add(_ summand: Double, at position: Int, to cells: inout Cells) {
        cells.counts[position] &+= 1
        cells.sum = saturated(cells.sum + summand)
    }

    @inline(__always)
    private static func saturated(_ sum: Double) -> Double {
        max(-Double.greatestFiniteMagnitude, min(sum, .greatestFiniteMagnitude))
    }
}
