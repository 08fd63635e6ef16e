/// One base-10^18 digit of a number.
package typealias Limb = UInt64

/// The radix of the limbs, and exact division by it without a division instruction.
///
/// 10^18 is the largest power of ten whose products can be added up in 128 bits with room to spare: up to 340 of them
/// fit, so a whole column of a schoolbook product is summed first and reduced once.
package enum DecimalBase {
    /// The value of a limb's successor: 10^18.
    static let radix: Limb = 1_000_000_000_000_000_000

    /// The number of decimal digits in a limb.
    package static let digitsPerLimb = 18

    /// Leading zero bits of the radix.
    private static let shift: UInt64 = 4

    /// ⌊(2^128 − 1) / (16 · 10^18)⌋ − 2^64.
    private static let reciprocal: UInt64 = 2_820_903_858_849_102_350

    /// Quotient and remainder of `high · 2^64 + low` by 10^18.
    ///
    /// Two multiplications: Möller and Granlund, "Improved division by invariant integers", IEEE Transactions on
    /// Computers 60 (2011), algorithm 4.
    /// - Precondition: `high < 10^18`, so that the quotient fits a word.
    @inline(__always)
    static func divide(high: UInt64, low: UInt64) -> (quotient: UInt64, remainder: Limb) {
        assert(high < radix)
        let divisor = radix << shift
        let upper = (high << shift) | (low >> (64 - shift))
        let lower = low << shift
        let estimate =
            UInt128(upper) &* UInt128(reciprocal) &+ ((UInt128(upper) << 64) | UInt128(lower))
        var quotient = UInt64(truncatingIfNeeded: estimate >> 64) &+ 1
        var remainder = lower &- quotient &* divisor
        let tooLarge = remainder > UInt64(truncatingIfNeeded: estimate)
        quotient &-= tooLarge ? 1 : 0
        remainder &+= tooLarge ? divisor : 0
        if remainder >= divisor {
            quotient &+= 1
            remainder &-= divisor
        }
        return (quotient, remainder >> shift)
    }

    /// The three limbs of a double word, least significant first.
    package static func limbs(of value: UInt128) -> (Limb, Limb, Limb) {
        let high = UInt64(truncatingIfNeeded: value >> 64)
        let low = UInt64(truncatingIfNeeded: value)
        let first = divide(high: high % radix, low: low)
        let second = divide(high: high / radix, low: first.quotient)
        return (first.remainder, second.remainder, second.quotient)
    }
}
