/// A time, or a length of time, of one bucket: microseconds and parts of 1/budget microsecond, so that the time which a token takes is
/// a whole number of parts whatever the budget.
package struct BucketTime: Sendable, Hashable, Comparable {
    /// Whole microseconds.
    package var microseconds: Int64
    /// Parts of 1/budget microsecond, fewer than the budget.
    package var fraction: UInt32

    /// A time.
    package init(microseconds: Int64, fraction: UInt32 = 0) {
        self.microseconds = microseconds
        self.fraction = fraction
    }

    /// Whether the first is earlier; both are of the same bucket.
    package static func < (first: BucketTime, second: BucketTime) -> Bool {
        (first.microseconds, first.fraction) < (second.microseconds, second.fraction)
    }

    /// Rounded up to a whole microsecond.
    var roundedUp: Int64 { microseconds + (fraction > 0 ? 1 : 0) }

    /// The sum of two times of a bucket with this budget.
    func adding(_ other: BucketTime, budget: Int) -> BucketTime {
        let parts = UInt64(fraction) + UInt64(other.fraction)
        let carries = parts >= UInt64(budget)
        return BucketTime(
            microseconds: microseconds + other.microseconds + (carries ? 1 : 0),
            fraction: UInt32(carries ? parts - UInt64(budget) : parts)
        )
    }
}
