/// Decoding of UTF-8 that may be damaged (RFC 3629).
enum UTF8Decoding {
    /// The scalar at the start of `bytes` and its length; no scalar where the bytes are not UTF-8, and then the
    /// length of the part that one U+FFFD replaces (the maximal subpart of Unicode §3.9).
    ///
    /// - Precondition: `bytes` is not empty.
    static func firstScalar(_ bytes: UnsafeRawBufferPointer) -> (scalar: UInt32?, length: Int) {
        let lead = bytes[0]
        let length: Int
        var scalar: UInt32
        switch lead {
        case 0x00...0x7F: return (UInt32(lead), 1)
        case 0xC2...0xDF: (length, scalar) = (2, UInt32(lead & 0x1F))
        case 0xE0...0xEF: (length, scalar) = (3, UInt32(lead & 0x0F))
        case 0xF0...0xF4: (length, scalar) = (4, UInt32(lead & 0x07))
        default: return (nil, 1)
        }
        for index in 1..<length {
            guard index < bytes.count, continuations(after: lead, at: index).contains(bytes[index]) else {
                return (nil, index)
            }
            scalar = scalar << 6 | UInt32(bytes[index] & 0x3F)
        }
        return (scalar, length)
    }

    /// The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
    private static func continuations(after lead: UInt8, at index: Int) -> ClosedRange<UInt8> {
        guard index == 1 else { return 0x80...0xBF }
        return switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}
