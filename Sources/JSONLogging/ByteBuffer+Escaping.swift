/// What an escaped run of text is going to stand in.
enum EscapedContext {
    /// Between double quotes: `"` and `\` are escaped too.
    case quoted
    /// On its own, for people to read.
    case bare
}

extension ByteBuffer {
    /// Strings longer than this many bytes of UTF-8 are cut at a scalar boundary and end in `…`.
    static let longestString = 16_384

    /// Appends `string` as a JSON string (RFC 8259 §7), quotes included.
    mutating func appendQuoted(_ string: String) {
        var string = string
        string.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes that should be UTF-8 as a JSON string, quotes included; what is not UTF-8 becomes U+FFFD.
    mutating func appendQuoted(_ bytes: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendEscaped(bytes, in: .quoted)
        append(UInt8(ascii: "\""))
    }

    /// Appends `bytes` on one line: controls, line separators and direction overrides become `\n`, `\u001b`, ….
    mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer, in context: EscapedContext) {
        guard bytes.count > Self.longestString else { return escape(bytes, in: context) }
        var end = Self.longestString
        while end > Self.longestString - 3, bytes[end] & 0xC0 == 0x80 {
            end -= 1
        }
        escape(UnsafeRawBufferPointer(rebasing: bytes[..<end]), in: context)
        append("…")
    }

    private mutating func escape(_ bytes: UnsafeRawBufferPointer, in context: EscapedContext) {
        reserve(bytes.count + 8)
        var start = 0
        while start < bytes.count {
            let end = Self.endOfPlainRun(bytes, from: start)
            append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            guard end < bytes.count else { return }
            let byte = bytes[end]
            if byte < 0x80 {
                escapeASCII(byte, in: context)
                start = end + 1
            } else {
                start = end + escapeScalar(UnsafeRawBufferPointer(rebasing: bytes[end...]))
            }
        }
    }

    /// Where the bytes that need no look at all, neither escaped nor part of a longer scalar, end.
    @inline(__always)
    private static func endOfPlainRun(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if needsLook(word) { break }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            index += 1
        }
        return index
    }

    /// Whether one of eight bytes is a control, `"`, `\`, DEL or not ASCII; it may err towards yes.
    @inline(__always)
    private static func needsLook(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let delete = word ^ (ones &* 0x7F)
        let controls = (word &- (ones &* 0x20)) & ~word
        let matches =
            ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((delete &- ones) & ~delete)
        return (word | controls | matches) & (ones &* 0x80) != 0
    }

    private mutating func escapeASCII(_ byte: UInt8, in context: EscapedContext) {
        switch byte {
        case UInt8(ascii: "\""): append(context == .quoted ? "\\\"" : "\"")
        case UInt8(ascii: "\\"): append(context == .quoted ? "\\\\" : "\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        default: appendUnicodeEscape(UInt32(byte))
        }
    }

    /// Appends the scalar that `bytes` begins with, or U+FFFD, and gives how many bytes it stood for.
    private mutating func escapeScalar(_ bytes: UnsafeRawBufferPointer) -> Int {
        let (scalar, length) = UTF8Decoding.firstScalar(bytes)
        guard let scalar else {
            append("\u{FFFD}")
            return length
        }
        if Self.isUnsafe(scalar) {
            appendUnicodeEscape(scalar)
        } else {
            append(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        }
        return length
    }

    /// C1 controls, which some terminals obey, line and paragraph separators, and overrides of direction, which
    /// let a line look like another one.
    private static func isUnsafe(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x80...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private mutating func appendUnicodeEscape(_ scalar: UInt32) {
        append("\\u")
        append(length: 4) { out in
            for index in 0..<4 {
                let digit = UInt8(truncatingIfNeeded: scalar >> UInt32(12 - 4 * index)) & 0xF
                out[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
        }
    }
}
