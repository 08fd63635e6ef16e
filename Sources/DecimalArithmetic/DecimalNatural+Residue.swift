extension DecimalNatural {
    /// The remainder of the number by the Mersenne prime 2^61 − 1.
    ///
    /// A wrong digit, or any set of wrong limbs that is not contrived, changes it with a probability of all but 2^−61:
    /// a cheap check of a long computation, or of a number that was stored.
    ///
    /// - Complexity: O(n), about a nanosecond a limb.
    public var residueModuloMersenne61: UInt64 {
        limbs.withUnsafeBufferPointer { limbs in
            // Horner's rule is one long chain of multiplications; four interleaved ones, each with the fourth power of
            // the radix, keep the multiplier busy.
            let radix = DecimalBase.radix
            let (radix2, radix4) = (Self.radixSquared, Self.radixFourth)
            let lanes = limbs.count / 4
            var (r0, r1, r2, r3) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
            var i = 4 &* lanes
            while i > 0 {
                i &-= 4
                r0 = Mersenne61.reduce(UInt128(r0) &* UInt128(radix4) &+ UInt128(limbs[i]))
                r1 = Mersenne61.reduce(UInt128(r1) &* UInt128(radix4) &+ UInt128(limbs[i &+ 1]))
                r2 = Mersenne61.reduce(UInt128(r2) &* UInt128(radix4) &+ UInt128(limbs[i &+ 2]))
                r3 = Mersenne61.reduce(UInt128(r3) &* UInt128(radix4) &+ UInt128(limbs[i &+ 3]))
            }
            let even = Mersenne61.add(r0, Mersenne61.multiply(r2, radix2))
            let odd = Mersenne61.add(r1, Mersenne61.multiply(r3, radix2))
            var residue = Mersenne61.add(even, Mersenne61.multiply(odd, radix))

            // Up to three limbs above the last full group.
            var top: UInt64 = 0
            var j = limbs.count
            while j > 4 &* lanes {
                j &-= 1
                top = Mersenne61.reduce(UInt128(top) &* UInt128(radix) &+ UInt128(limbs[j]))
            }
            var power = radix4
            var exponent = lanes
            while top != 0, exponent > 0 {
                if exponent & 1 != 0 { top = Mersenne61.multiply(top, power) }
                power = Mersenne61.multiply(power, power)
                exponent >>= 1
            }
            residue = Mersenne61.add(residue, top)
            return residue
        }
    }

    /// 10^36 and 10^72 modulo 2^61 − 1.
    private static var radixSquared: UInt64 { 1_824_060_670_036_424_877 }
    private static var radixFourth: UInt64 { 161_959_903_866_192_385 }

    /// The remainder of the number by `modulus`.
    ///
    /// - Precondition: `modulus` is not zero.
    /// - Complexity: O(n), about seven nanoseconds a limb.
    public func residue(modulo modulus: UInt64) -> UInt64 {
        if modulus == Mersenne61.modulus { return residueModuloMersenne61 }
        let divisor = ReciprocalDivisor(modulus)
        return limbs.withUnsafeBufferPointer { limbs in
            var residue: UInt64 = 0
            for limb in limbs.reversed() {
                // residue · 10^18 + limb < modulus · 2^64, because limb < 10^18 and residue < modulus.
                let value = UInt128(residue) &* UInt128(DecimalBase.radix) &+ UInt128(limb)
                residue = divisor.remainder(
                    high: UInt64(truncatingIfNeeded: value >> 64),
                    low: UInt64(truncatingIfNeeded: value)
                )
            }
            return residue
        }
    }
}
