/// A divisor that is used many times: its reciprocal is computed once, and each division costs two multiplications.
///
/// Möller and Granlund, "Improved division by invariant integers", IEEE Transactions on Computers 60 (2011),
/// algorithm 4.
struct ReciprocalDivisor {
    /// The divisor.
    let divisor: UInt64

    private let normalized: UInt64
    private let shift: UInt64
    private let reciprocal: UInt64

    /// - Precondition: `divisor` is not zero.
    init(_ divisor: UInt64) {
        precondition(divisor != 0, "division by zero")
        self.divisor = divisor
        shift = UInt64(divisor.leadingZeroBitCount)
        normalized = divisor << shift
        reciprocal = normalized.dividingFullWidth((~normalized, .max)).quotient
    }

    /// The remainder of `high · 2^64 + low`.
    /// - Precondition: `high < divisor`.
    @inline(__always)
    func remainder(high: UInt64, low: UInt64) -> UInt64 {
        assert(high < divisor)
        let wide = ((UInt128(high) << 64) | UInt128(low)) << UInt128(shift)
        let lower = UInt64(truncatingIfNeeded: wide)
        let estimate = (wide >> 64) &* UInt128(reciprocal) &+ wide
        let quotient = UInt64(truncatingIfNeeded: estimate >> 64) &+ 1
        var remainder = lower &- quotient &* normalized
        if remainder > UInt64(truncatingIfNeeded: estimate) { remainder &+= normalized }
        if remainder >= normalized { remainder &-= normalized }
        return remainder >> shift
    }
}
