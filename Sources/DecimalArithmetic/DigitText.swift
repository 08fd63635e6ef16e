/// Conversion between limbs and ASCII digits, eight digits at a time within one register.
///
/// No table and no division: neither the data cache nor the divider is touched.
enum DigitText {
    private static let ones: UInt64 = 0x3030_3030_3030_3030

    /// The eight digits of a number below 10^8, the most significant one in the lowest byte.
    @inline(__always)
    static func eightDigits(_ value: UInt64) -> UInt64 {
        // Four digits in each 32-bit half, then two in each 16 bits, then one in each byte. The multipliers are rounded
        // reciprocals of 100 and of 10, exact for the few digits that they meet.
        let high = value / 10_000
        let fours = high | (value &- high &* 10_000) << 32
        let hundreds = ((fours &* 10_486) >> 20) & 0x0000_007f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = ((twos &* 103) >> 10) & 0x000f_000f_000f_000f
        return (tens | (twos &- tens &* 10) << 8) | ones
    }

    /// Writes the eighteen digits of a limb, leading zeros included.
    @inline(__always)
    static func write(_ limb: Limb, to target: UnsafeMutableRawPointer) {
        let high = limb / 10_000_000_000_000_000
        let rest = limb &- high &* 10_000_000_000_000_000
        let middle = rest / 100_000_000
        let low = rest &- middle &* 100_000_000
        let tens = high / 10
        let pair = tens | (high &- tens &* 10) << 8 | 0x3030
        target.storeBytes(of: UInt16(truncatingIfNeeded: pair).littleEndian, as: UInt16.self)
        target.storeBytes(of: eightDigits(middle).littleEndian, toByteOffset: 2, as: UInt64.self)
        target.storeBytes(of: eightDigits(low).littleEndian, toByteOffset: 10, as: UInt64.self)
    }

    /// The number that eight ASCII digits denote, or nil if one of them is not a digit.
    @inline(__always)
    static func parseEight(_ text: UnsafeRawPointer) -> UInt64? {
        let bytes = UInt64(littleEndian: text.loadUnaligned(as: UInt64.self))
        // A digit has the high half 3, and keeps it when 6 is added.
        let mask: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
        guard bytes & mask == ones, (bytes &+ 0x0606_0606_0606_0606) & mask == ones else { return nil }
        let digits = bytes & ~mask
        let twos = (digits &* 10 &+ digits >> 8) & 0x00ff_00ff_00ff_00ff
        let fours = (twos &* 100 &+ twos >> 16) & 0x0000_ffff_0000_ffff
        return (fours &* 10_000 &+ fours >> 32) & 0xffff_ffff
    }

    /// The number that at most eighteen ASCII digits denote, or nil if one of them is not a digit.
    @inline(__always)
    static func parse(_ text: UnsafeRawBufferPointer) -> Limb? {
        assert(text.count <= DecimalBase.digitsPerLimb)
        var value: Limb = 0
        var i = 0
        while i &+ 8 <= text.count, let base = text.baseAddress {
            guard let eight = parseEight(base + i) else { return nil }
            value = value &* 100_000_000 &+ eight
            i &+= 8
        }
        while i < text.count {
            let digit = text[i] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Limb(digit)
            i &+= 1
        }
        return value
    }
}
