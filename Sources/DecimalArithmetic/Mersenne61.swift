/// Arithmetic modulo the prime 2^61 − 1, whose reductions are shifts and additions.
package enum Mersenne61 {
    /// The modulus: 2^61 − 1.
    package static let modulus: UInt64 = (1 << 61) - 1

    /// The residue of a number below 2^122.
    @inlinable @inline(__always)
    package static func reduce(_ value: UInt128) -> UInt64 {
        let low = UInt64(truncatingIfNeeded: value) & modulus
        let high = UInt64(truncatingIfNeeded: value >> 61)
        let sum = low &+ high
        return sum >= modulus ? sum &- modulus : sum
    }

    /// The product of two residues.
    @inlinable @inline(__always)
    package static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        reduce(UInt128(a) &* UInt128(b))
    }

    /// The sum of two residues.
    @inlinable @inline(__always)
    package static func add(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let sum = a &+ b
        return sum >= modulus ? sum &- modulus : sum
    }

    /// The difference of two residues.
    @inlinable @inline(__always)
    package static func subtract(_ a: UInt64, _ b: UInt64) -> UInt64 {
        a >= b ? a &- b : a &+ modulus &- b
    }
}
