extension DecimalNatural {
    /// The number of decimal digits; zero has one.
    ///
    /// - Complexity: O(1).
    public var digitCount: Int {
        guard let top = limbs.last else { return 1 }
        return (limbs.count - 1) * DecimalBase.digitsPerLimb + Self.digitCount(ofLimb: top)
    }

    /// Writes the digits, most significant first, as ASCII and gives their number, `digitCount`.
    ///
    /// A server that knows the length can have them written to where they are sent from.
    ///
    /// - Precondition: `buffer` holds at least `digitCount` bytes.
    /// - Complexity: O(n), about a third of a nanosecond a digit.
    @discardableResult
    public func writeDigits(
        into buffer: UnsafeMutableRawBufferPointer,
        using kernel: TransformKernel = .fastest
    ) -> Int {
        let count = digitCount
        precondition(buffer.count >= count, "the buffer is too small for the digits")
        limbs.withUnsafeBufferPointer { limbs in
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            Self.write(limbs, digitCount: count, into: target, using: kernel)
        }
        return count
    }

    /// The digits, most significant first, as ASCII.
    ///
    /// - Complexity: O(n), and one array of `digitCount` bytes.
    public var decimalDigits: [UInt8] {
        let count = digitCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            initializedCount = writeDigits(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Hands the digits on piece by piece, most significant first, as ASCII: for writing numbers to files or pipes
    /// without a second copy as large as the number.
    ///
    /// - Parameters:
    ///   - chunkSize: The largest number of bytes in a piece, rounded down to a multiple of 18 and at least 18.
    ///   - body: Takes a piece, never an empty one. The bytes are valid only until it returns.
    /// - Throws: What `body` throws; no further pieces follow.
    /// - Complexity: O(n), and one buffer of `chunkSize` bytes.
    public func withDigitChunks(
        ofSize chunkSize: Int = 65_536,
        using kernel: TransformKernel = .fastest,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        let limbsPerChunk = max(1, chunkSize / DecimalBase.digitsPerLimb)
        let capacity = min(limbsPerChunk, max(1, limbs.count)) * DecimalBase.digitsPerLimb
        try withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) { buffer in
            try limbs.withUnsafeBufferPointer { limbs in
                var end = limbs.count
                var count = digitCount
                repeat {
                    let start = max(0, end - limbsPerChunk)
                    let below = start * DecimalBase.digitsPerLimb
                    let chunk = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(count - below)])
                    Self.write(limbs.extracting(start..<end), digitCount: chunk.count, into: chunk, using: kernel)
                    try body(UnsafeRawBufferPointer(chunk))
                    count = below
                    end = start
                } while end > 0
            }
        }
    }

    /// Writes the low `digitCount` digits of the limbs into a buffer of just that size.
    private static func write(
        _ limbs: LimbSource,
        digitCount: Int,
        into buffer: UnsafeMutableRawBufferPointer,
        using kernel: TransformKernel
    ) {
        assert(buffer.count == digitCount)
        guard let base = buffer.baseAddress else { return }
        let whole = digitCount / DecimalBase.digitsPerLimb
        let rest = digitCount - whole * DecimalBase.digitsPerLimb
        if rest > 0 { writeTop(limbs.last ?? 0, digitCount: rest, to: base, hasRoom: whole > 0) }
        if whole >= vectorThreshold, let first = limbs.baseAddress {
            kernel.writeText(first, whole, base + digitCount)
        } else {
            var end = base + digitCount
            for limb in limbs.prefix(whole) {
                end -= DecimalBase.digitsPerLimb
                DigitText.write(limb, to: end)
            }
        }
    }

    /// Writes the last digits of a limb, without its leading zeros; for the number zero, which has no limb, its one digit.
    @inline(__always)
    private static func writeTop(_ limb: Limb, digitCount: Int, to target: UnsafeMutableRawPointer, hasRoom: Bool) {
        // With its first digit in front it is a whole limb; what follows the last one is overwritten by the next limb.
        let shifted = limb &* powersOfTen[DecimalBase.digitsPerLimb - digitCount]
        if hasRoom {
            DigitText.write(shifted, to: target)
        } else {
            withUnsafeTemporaryAllocation(byteCount: DecimalBase.digitsPerLimb, alignment: 8) { digits in
                guard let first = digits.baseAddress else { return }
                DigitText.write(shifted, to: first)
                target.copyMemory(from: first, byteCount: digitCount)
            }
        }
    }

    /// The length from which many limbs at a time are faster than one after the other.
    private static let vectorThreshold = 16

    private static func digitCount(ofLimb limb: Limb) -> Int {
        // log₁₀ from log₂, one too large at most.
        let estimate = ((64 &- limb.leadingZeroBitCount) &* 1_233) >> 12
        return limb < powersOfTen[estimate] ? estimate : estimate &+ 1
    }

    /// 10^0 … 10^18.
    private static let powersOfTen: [Limb] = {
        var powers: [Limb] = [1]
        for i in 0..<DecimalBase.digitsPerLimb { powers.append(powers[i] * 10) }
        return powers
    }()
}
