import HTTPTypes

/// The identifier that ties an answer, its log line and its problem together (`X-Request-ID`).
enum RequestIdentifier {
    /// The longest identifier that is taken over from a caller.
    static let maximumLength = 128

    /// The caller's identifier where it is sane, else a new one.
    static func identifier(for fields: HTTPFields) -> String {
        var lines = fields[values: .xRequestID][...]
        if let value = lines.popFirst(), lines.isEmpty, isSane(value) { return value }
        return make()
    }

    /// Whether `value` is 1 to 128 visible ASCII characters.
    static func isSane(_ value: String) -> Bool {
        (1...maximumLength).contains(value.utf8.count) && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// 128 random bits as 32 hexadecimal digits.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let (high, low) = (generator.next(), generator.next())
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for position in 0..<16 {
                buffer[position] = hexDigit(high >> UInt64(60 - 4 * position))
                buffer[16 + position] = hexDigit(low >> UInt64(60 - 4 * position))
            }
            return 32
        }
    }

    private static func hexDigit(_ value: UInt64) -> UInt8 {
        let nibble = UInt8(truncatingIfNeeded: value & 15)
        return nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
