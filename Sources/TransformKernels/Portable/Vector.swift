#if TRANSFORM_AVX512 || TRANSFORM_AVX2
    internal import _Builtin_intrinsics.intel
#endif

#if TRANSFORM_AVX512
    /// As many doubles as the kernel works on at once: one lane each.
    typealias Vector = SIMD8<Double>
    /// As many digits.
    typealias DigitVector = SIMD8<Int32>
#else
    /// As many doubles as the kernel works on at once: one lane each.
    typealias Vector = SIMD4<Double>
    /// As many digits.
    typealias DigitVector = SIMD4<Int32>
#endif

/// `a · b + c`: fused where the instruction set has it, and never a call of libm's slow substitute.
@inline(__always)
func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
    #if TRANSFORM_AVX512 || TRANSFORM_AVX2 || arch(arm64)
        c.addingProduct(a, b)
    #else
        c + a * b
    #endif
}

/// `c − a · b`.
@inline(__always)
func multiplySubtract(_ a: Vector, _ b: Vector, from c: Vector) -> Vector {
    #if TRANSFORM_AVX512 || TRANSFORM_AVX2 || arch(arm64)
        c.addingProduct(-a, b)
    #else
        c - a * b
    #endif
}

extension Vector {
    /// Adding and subtracting it rounds a number below 2^51 to the nearest integer, and leaves that integer in the low
    /// bits of the sum: 3 · 2^51.
    static var roundingShift: Double { 6_755_399_441_055_744 }

    /// The nearest integers to numbers below 2^51.
    @inline(__always)
    var roundedToIntegers: Vector { (self + Vector.roundingShift) - Vector.roundingShift }

    @inline(__always)
    var magnitudes: Vector {
        #if TRANSFORM_AVX512
            _mm512_abs_pd(self)
        #else
            unsafeBitCast(
                unsafeBitCast(self, to: SIMD4<UInt64>.self) & SIMD4<UInt64>(repeating: 0x7fff_ffff_ffff_ffff),
                to: Vector.self
            )
        #endif
    }

    @inline(__always)
    func maximum(_ other: Vector) -> Vector {
        replacing(with: other, where: other .> self)
    }

    /// The largest of the lanes. (The library's `max()` is generic: specialized, it is one weak symbol in all kernels, and the linker
    /// would keep one of them for all.)
    @inline(__always)
    var largestLane: Double {
        var (largest, lane) = (self[0], 1)
        while lane < Vector.scalarCount {
            if self[lane] > largest { largest = self[lane] }
            lane &+= 1
        }
        return largest
    }

    /// Doubles of the same values.
    @inline(__always)
    init(_ digits: DigitVector) {
        #if TRANSFORM_AVX512
            self = _mm512_cvtepi32_pd(unsafeBitCast(digits, to: SIMD4<Int64>.self))
        #else
            self.init(Double(digits[0]), Double(digits[1]), Double(digits[2]), Double(digits[3]))
        #endif
    }

    /// Integral values in 32 bits.
    @inline(__always)
    var digits: DigitVector {
        #if TRANSFORM_AVX512
            unsafeBitCast(_mm512_cvtpd_epi32(self), to: DigitVector.self)
        #else
            // The integer is in the low half of each lane's bits.
            unsafeBitCast(self + Vector.roundingShift, to: SIMD8<Int32>.self).evenHalf
        #endif
    }
}

extension DigitVector {
    /// Writes the first `count` digits.
    @inline(__always)
    func write(_ count: Int, to target: UnsafeMutablePointer<Int32>) {
        #if TRANSFORM_AVX512
            let mask = UInt8(truncatingIfNeeded: (1 << count) &- 1)
            _mm256_mask_storeu_epi32(target, mask, unsafeBitCast(self, to: SIMD4<Int64>.self))
        #else
            var i = 0
            while i < count {
                target[i] = self[i]
                i &+= 1
            }
        #endif
    }
}

/// The transposed square of as many digit vectors as one has digits, in place.
@inline(__always)
func transposeDigits(_ rows: UnsafeMutablePointer<DigitVector>) {
    #if TRANSFORM_AVX512
        // Two rows a register: pairs of rows are interleaved into quadruples, these into columns.
        let bytes = UnsafeMutableRawPointer(rows)
        let pairs = (
            bytes.loadUnaligned(as: SIMD8<Int64>.self), bytes.loadUnaligned(fromByteOffset: 64, as: SIMD8<Int64>.self),
            bytes.loadUnaligned(fromByteOffset: 128, as: SIMD8<Int64>.self),
            bytes.loadUnaligned(fromByteOffset: 192, as: SIMD8<Int64>.self)
        )
        let evens = digitIndices(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27)
        let odds = digitIndices(4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31)
        let a0 = _mm512_permutex2var_epi32(pairs.0, evens, pairs.1)
        let a1 = _mm512_permutex2var_epi32(pairs.0, odds, pairs.1)
        let b0 = _mm512_permutex2var_epi32(pairs.2, evens, pairs.3)
        let b1 = _mm512_permutex2var_epi32(pairs.2, odds, pairs.3)
        let low = digitIndices(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
        let high = digitIndices(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
        bytes.storeBytes(of: _mm512_permutex2var_epi32(a0, low, b0), as: SIMD8<Int64>.self)
        bytes.storeBytes(of: _mm512_permutex2var_epi32(a0, high, b0), toByteOffset: 64, as: SIMD8<Int64>.self)
        bytes.storeBytes(of: _mm512_permutex2var_epi32(a1, low, b1), toByteOffset: 128, as: SIMD8<Int64>.self)
        bytes.storeBytes(of: _mm512_permutex2var_epi32(a1, high, b1), toByteOffset: 192, as: SIMD8<Int64>.self)
    #else
        let (a, b, c, d) = (rows[0], rows[1], rows[2], rows[3])
        rows[0] = DigitVector(a[0], b[0], c[0], d[0])
        rows[1] = DigitVector(a[1], b[1], c[1], d[1])
        rows[2] = DigitVector(a[2], b[2], c[2], d[2])
        rows[3] = DigitVector(a[3], b[3], c[3], d[3])
    #endif
}

#if TRANSFORM_AVX512
    @inline(__always)
    private func digitIndices(
        _ i0: Int32,
        _ i1: Int32,
        _ i2: Int32,
        _ i3: Int32,
        _ i4: Int32,
        _ i5: Int32,
        _ i6: Int32,
        _ i7: Int32,
        _ i8: Int32,
        _ i9: Int32,
        _ i10: Int32,
        _ i11: Int32,
        _ i12: Int32,
        _ i13: Int32,
        _ i14: Int32,
        _ i15: Int32
    ) -> SIMD8<Int64> {
        unsafeBitCast(
            SIMD16<Int32>(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15),
            to: SIMD8<Int64>.self
        )
    }
#endif

/// The transposed square of as many vectors as a vector has lanes, in place.
@inline(__always)
func transpose(_ rows: UnsafeMutablePointer<Vector>) {
    #if TRANSFORM_AVX512
        // Pairs, then quadruples, then eights.
        let (a0, a1, a2, a3) = (rows[0], rows[1], rows[2], rows[3])
        let (a4, a5, a6, a7) = (rows[4], rows[5], rows[6], rows[7])
        let (b0, b1) = (_mm512_unpacklo_pd(a0, a1), _mm512_unpackhi_pd(a0, a1))
        let (b2, b3) = (_mm512_unpacklo_pd(a2, a3), _mm512_unpackhi_pd(a2, a3))
        let (b4, b5) = (_mm512_unpacklo_pd(a4, a5), _mm512_unpackhi_pd(a4, a5))
        let (b6, b7) = (_mm512_unpacklo_pd(a6, a7), _mm512_unpackhi_pd(a6, a7))
        let low = SIMD8<Int64>(0, 1, 8, 9, 4, 5, 12, 13)
        let high = SIMD8<Int64>(2, 3, 10, 11, 6, 7, 14, 15)
        let (c0, c1) = (_mm512_permutex2var_pd(b0, low, b2), _mm512_permutex2var_pd(b1, low, b3))
        let (c2, c3) = (_mm512_permutex2var_pd(b0, high, b2), _mm512_permutex2var_pd(b1, high, b3))
        let (c4, c5) = (_mm512_permutex2var_pd(b4, low, b6), _mm512_permutex2var_pd(b5, low, b7))
        let (c6, c7) = (_mm512_permutex2var_pd(b4, high, b6), _mm512_permutex2var_pd(b5, high, b7))
        let lower = SIMD8<Int64>(0, 1, 2, 3, 8, 9, 10, 11)
        let upper = SIMD8<Int64>(4, 5, 6, 7, 12, 13, 14, 15)
        rows[0] = _mm512_permutex2var_pd(c0, lower, c4)
        rows[1] = _mm512_permutex2var_pd(c1, lower, c5)
        rows[2] = _mm512_permutex2var_pd(c2, lower, c6)
        rows[3] = _mm512_permutex2var_pd(c3, lower, c7)
        rows[4] = _mm512_permutex2var_pd(c0, upper, c4)
        rows[5] = _mm512_permutex2var_pd(c1, upper, c5)
        rows[6] = _mm512_permutex2var_pd(c2, upper, c6)
        rows[7] = _mm512_permutex2var_pd(c3, upper, c7)
    #else
        let (a0, a1, a2, a3) = (rows[0], rows[1], rows[2], rows[3])
        let (b0, b1) = (Vector(a0[0], a1[0], a0[2], a1[2]), Vector(a0[1], a1[1], a0[3], a1[3]))
        let (b2, b3) = (Vector(a2[0], a3[0], a2[2], a3[2]), Vector(a2[1], a3[1], a2[3], a3[3]))
        rows[0] = Vector(lowHalf: b0.lowHalf, highHalf: b2.lowHalf)
        rows[1] = Vector(lowHalf: b1.lowHalf, highHalf: b3.lowHalf)
        rows[2] = Vector(lowHalf: b0.highHalf, highHalf: b2.highHalf)
        rows[3] = Vector(lowHalf: b1.highHalf, highHalf: b3.highHalf)
    #endif
}
