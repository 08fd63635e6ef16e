internal import NIOCore

/// The first byte of a value.
enum RESPType: UInt8 {
    case simpleString = 0x2B
    case simpleError = 0x2D
    case integer = 0x3A
    case bulkString = 0x24
    case array = 0x2A
    case null = 0x5F
    case boolean = 0x23
    case double = 0x2C
    case bigNumber = 0x28
    case bulkError = 0x21
    case verbatimString = 0x3D
    case map = 0x25
    case set = 0x7E
    case push = 0x3E
    case attribute = 0x7C

    var elementsPerEntry: Int {
        self == .map || self == .attribute ? 2 : 1
    }

    /// The value of a string that came with its length.
    func bulkValue(_ content: ByteBuffer, at offset: Int) throws(RESPDecodingError) -> RESPValue {
        switch self {
        case .bulkError:
            return .error(RESPError(text: String(buffer: content)))
        case .verbatimString:
            var content = content
            guard content.readableBytes >= 4, let format = content.readString(length: 3),
                content.readInteger(as: UInt8.self) == UInt8(ascii: ":"),
                // Bytes that are no UTF-8 were repaired, and need not be three any more.
                format.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                throw RESPDecodingError(.malformed("three characters and a colon"), offset: offset)
            }
            return .verbatimString(format: format, content)
        default:
            return .bulkString(content)
        }
    }
}

/// One line of a reply: the type, and what stands between it and the line's end.
struct RESPLine {
    var type: RESPType
    var content: ByteBuffer

    /// The length of a string or the count of an aggregate; nil for the nulls of version 2.
    func length(allowsNull: Bool, at offset: Int) throws(RESPDecodingError) -> Int? {
        let bytes = content.readableBytesView
        switch bytes.first {
        case UInt8(ascii: "?") where bytes.count == 1: throw RESPDecodingError(.streamedLength, offset: offset)
        case UInt8(ascii: "-") where allowsNull && bytes.elementsEqual("-1".utf8): return nil
        default: break
        }
        guard let length = Self.decimal(bytes) else {
            throw RESPDecodingError(.malformed("a length in decimal"), offset: offset)
        }
        return length
    }

    /// The value of a type that fits a line.
    func scalar(at offset: Int) throws(RESPDecodingError) -> RESPValue {
        switch type {
        case .simpleString: return .simpleString(String(buffer: content))
        case .simpleError: return .error(RESPError(text: String(buffer: content)))
        case .integer: return .integer(try integer(at: offset))
        case .double: return .double(try double(at: offset))
        case .boolean: return .boolean(try boolean(at: offset))
        case .bigNumber: return .bigNumber(try bigNumber(at: offset))
        default:
            guard content.readableBytes == 0 else { throw RESPDecodingError(.malformed("nothing"), offset: offset) }
            return .null
        }
    }

    private func integer(at offset: Int) throws(RESPDecodingError) -> Int64 {
        // `Int64` takes a sign of either kind, decimal digits, and nothing else.
        guard let value = Int64(String(buffer: content)) else {
            throw RESPDecodingError(.malformed("a 64-bit integer"), offset: offset)
        }
        return value
    }

    private func double(at offset: Int) throws(RESPDecodingError) -> Double {
        let text = String(buffer: content)
        switch text {
        case "inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        default:
            let allowed = "+-.eE0123456789".utf8
            guard text.utf8.allSatisfy(allowed.contains), let value = Double(text) else {
                throw RESPDecodingError(.malformed("a decimal number, inf or nan"), offset: offset)
            }
            return value
        }
    }

    private func boolean(at offset: Int) throws(RESPDecodingError) -> Bool {
        switch String(buffer: content) {
        case "t": return true
        case "f": return false
        default: throw RESPDecodingError(.malformed("t or f"), offset: offset)
        }
    }

    private func bigNumber(at offset: Int) throws(RESPDecodingError) -> String {
        let text = String(buffer: content)
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else {
            throw RESPDecodingError(.malformed("decimal digits"), offset: offset)
        }
        return text
    }

    /// Decimal digits and nothing else; nil if there are none or if they overflow.
    private static func decimal(_ bytes: ByteBufferView) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var value = 0
        for byte in bytes {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
