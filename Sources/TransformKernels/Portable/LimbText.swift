/// Limbs of eighteen decimal digits to ASCII, many at a time.
///
/// A limb is cut into two digits and twice eight by multiplications with reciprocals, one limb after the other, because vectors have no
/// wide products; eight digits are then spread over the bytes of a word, in as many words as a vector has.
enum LimbText {
    private typealias Words = SIMD8<UInt64>
    private typealias Halves = SIMD16<UInt32>
    private static let batch = 64
    private static let digitsPerLimb = 18

    /// Writes the limbs, least significant first, so that their text ends before `end`.
    static func write(_ limbs: UnsafePointer<UInt64>, _ count: Int, endingAt end: UnsafeMutableRawPointer) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 3 * batch) { buffer in
            guard let top = buffer.baseAddress else { return }
            let (middle, low) = (top + batch, top + 2 * batch)
            var (i, target) = (0, end)
            while i < count {
                let n = min(batch, count &- i)
                cut(limbs + i, n, top, middle, low)
                spread(top, n)
                spread(middle, n)
                spread(low, n)
                var j = 0
                while j < n {
                    target -= digitsPerLimb
                    // Of the word with two digits the last two bytes count.
                    target.storeBytes(of: UInt16(truncatingIfNeeded: top[j] >> 48), as: UInt16.self)
                    target.storeBytes(of: middle[j], toByteOffset: 2, as: UInt64.self)
                    target.storeBytes(of: low[j], toByteOffset: 10, as: UInt64.self)
                    j &+= 1
                }
                i &+= n
            }
        }
    }

    @inline(__always)
    private static func cut(
        _ limbs: UnsafePointer<UInt64>,
        _ count: Int,
        _ top: UnsafeMutablePointer<UInt64>,
        _ middle: UnsafeMutablePointer<UInt64>,
        _ low: UnsafeMutablePointer<UInt64>
    ) {
        var j = 0
        while j < count {
            let high = limbs[j] / 100_000_000
            low[j] = limbs[j] &- high &* 100_000_000
            let two = high / 100_000_000
            middle[j] = high &- two &* 100_000_000
            top[j] = two
            j &+= 1
        }
    }

    /// Replaces numbers below 10^8 by the ASCII of their eight digits, the first one in the lowest byte. Works on whole vectors.
    @inline(__always)
    private static func spread(_ words: UnsafeMutablePointer<UInt64>, _ count: Int) {
        let vectors = UnsafeMutableRawPointer(words)
        var j = 0
        while j < count {
            let place = vectors + j &* 8
            let value = place.loadUnaligned(as: Words.self)
            // Four digits in each half, then two in each quarter, then one in each byte; the multipliers are rounded reciprocals of
            // 10^4, 10^2 and 10, exact for the numbers that they meet, and no product leaves its place.
            let high = (value &* Words(repeating: 3_518_437_209)) &>> Words(repeating: 45)
            let pairs = high | (value &- high &* Words(repeating: 10_000)) &<< Words(repeating: 32)
            let fours = unsafeBitCast(pairs, to: Halves.self)
            let hundreds = (fours &* Halves(repeating: 10_486)) &>> Halves(repeating: 20)
            let twos = hundreds | (fours &- hundreds &* Halves(repeating: 100)) &<< Halves(repeating: 16)
            let tens = ((twos &* Halves(repeating: 103)) &>> Halves(repeating: 10)) & Halves(repeating: 0x000f_000f)
            let digits = tens | (twos &- tens &* Halves(repeating: 10)) &<< Halves(repeating: 8)
            place.storeBytes(of: digits | Halves(repeating: 0x3030_3030), as: Halves.self)
            j &+= 8
        }
    }
}
