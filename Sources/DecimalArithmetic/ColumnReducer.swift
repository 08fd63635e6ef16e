/// Turns the column sums of a product, least significant first, into limbs.
///
/// A column of a schoolbook product is a sum of products of limbs, each below 10^36. Columns arrive unreduced; each is
/// divided by the radix once, whatever the number of products in it.
///
/// The division is approximate: it leaves a remainder of up to four radices, so that it needs no correction, and it
/// does not wait for the carry of the column before. What waits is only the last, one-word step.
struct ColumnReducer {
    /// The largest number of products in a column: their sum stays below 2^128.
    static let maximumProducts = 256

    /// 14 · 10^36. Reduced below it (nearly), a sum is below 2^124, and its quotient and remainder fit a word together.
    private static var step: UInt128 { 14_000_000_000_000_000_000_000_000_000_000_000_000 }
    private static var stepHigh: UInt64 { 758_941_520_740_853_103 }

    /// ⌊2^123 / 10^18⌋.
    private static var reciprocal: UInt64 { 10_633_823_966_279_326_983 }

    /// Owed to the next column by quotients.
    private var owed: UInt64 = 0
    /// Owed to the column after the next.
    private var farOwed: UInt64 = 0
    /// Owed to the next column by the last step, at most 18.
    private var carry: UInt64 = 0

    /// The limb of the next column.
    @inline(__always)
    mutating func limb(for sum: UInt128) -> Limb {
        var rest = sum
        var excess: UInt64 = 0
        // Columns grow and shrink slowly from one to the next, so these branches predict well.
        while UInt64(truncatingIfNeeded: rest >> 64) > Self.stepHigh {
            rest &-= Self.step
            excess &+= 14
        }
        // The quotient is at most 3.5 too small: less than 1.2 from the bits that are shifted out, 1.4 from rounding the
        // reciprocal and 1 from rounding the product. Quotient and remainder are below 17.6 · 10^18 together.
        let estimate = UInt128(UInt64(truncatingIfNeeded: rest >> 60)) &* UInt128(Self.reciprocal)
        let quotient = UInt64(truncatingIfNeeded: estimate >> 63)
        let remainder = UInt64(truncatingIfNeeded: rest) &- quotient &* DecimalBase.radix

        let total = remainder &+ owed &+ carry
        carry = total / DecimalBase.radix
        owed = quotient &+ farOwed
        farOwed = excess
        return total &- carry &* DecimalBase.radix
    }

    /// The most significant limb, after the last column.
    @inline(__always)
    var lastLimb: Limb {
        assert(owed + carry < DecimalBase.radix && farOwed == 0)
        return owed &+ carry
    }
}
