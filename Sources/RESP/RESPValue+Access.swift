package import NIOCore

extension RESPValue {
    /// The text of any of the kinds that are text, bytes that are no UTF-8 repaired; nil for others.
    package var text: String? {
        switch self {
        case .simpleString(let text), .bigNumber(let text): text
        case .bulkString(let bytes), .verbatimString(_, let bytes): String(buffer: bytes)
        case .null, .error, .integer, .double, .boolean, .array, .map, .set, .push: nil
        }
    }

    /// The bytes of a bulk or verbatim string; nil for others.
    package var bytes: ByteBuffer? {
        switch self {
        case .bulkString(let bytes), .verbatimString(_, let bytes): bytes
        default: nil
        }
    }

    /// The integer of an integer reply, or of a bulk string that holds one in decimal; nil for others.
    package var integer: Int64? {
        if case .integer(let integer) = self { return integer }
        return text.flatMap { Int64($0) }
    }

    /// The elements of an array, a set or a push message; nil for others.
    package var elements: [RESPValue]? {
        switch self {
        case .array(let elements), .set(let elements), .push(let elements): elements
        default: nil
        }
    }

    /// The entries of a map, or of an array that stands for one in version 2; nil for others.
    package var map: RESPMap? {
        switch self {
        case .map(let map): map
        case .array(let elements): RESPMap(alternating: elements)
        default: nil
        }
    }

    /// The error of an error reply; nil for others.
    package var error: RESPError? {
        if case .error(let error) = self { error } else { nil }
    }
}
