extension ByteBuffer {
    /// Appends `value` in decimal.
    mutating func appendDecimal(_ value: Int) {
        if value < 0 {
            append(UInt8(ascii: "-"))
        }
        appendDecimal(UInt64(value.magnitude))
    }

    /// Appends `value` in decimal.
    mutating func appendDecimal(_ value: UInt64) {
        appendDecimal(value, width: Self.digitCount(value))
    }

    /// Appends the last `width` decimal digits of `value`, with leading zeros.
    @inline(__always)
    mutating func appendDecimal(_ value: UInt64, width: Int) {
        append(length: width) { out in
            var rest = value
            var index = width
            while index > 0 {
                index -= 1
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
                out[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: remainder)
                rest = quotient
            }
        }
    }

    /// Appends `value` rounded to three decimals; a magnitude above 10^12 in its shortest form instead.
    ///
    /// - Precondition: `value` is finite.
    mutating func appendThreeDecimals(_ value: Double) {
        guard value.magnitude < 1e12 else { return appendShortest(value) }
        let thousandths = UInt64((value.magnitude * 1000).rounded())
        if value < 0, thousandths > 0 {
            append(UInt8(ascii: "-"))
        }
        let (whole, fraction) = thousandths.quotientAndRemainder(dividingBy: 1000)
        appendDecimal(whole)
        append(UInt8(ascii: "."))
        appendDecimal(fraction, width: 3)
    }

    /// Appends the shortest decimal that reads back as the same value; it is a JSON number when `value` is finite.
    mutating func appendShortest(_ value: some BinaryFloatingPoint & CustomStringConvertible) {
        var text = value.description
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
