/// Bytes that are no reply, or a larger one than is allowed. The connection they came from is out of step for good.
package struct RESPDecodingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: Sendable, Hashable {
        /// A byte that begins no kind of value.
        case unknownType(UInt8)
        /// A line that does not end in CR LF, or a string without CR LF behind it.
        case badLineEnd
        /// A number, a length or a truth value that is none.
        case malformed(String)
        /// A length that is only announced in parts; servers do not send these.
        case streamedLength
        /// Aggregates nest too deep.
        case tooDeep(limit: Int)
        /// A string is longer than allowed.
        case bulkTooLong(length: Int, limit: Int)
        /// The aggregates of a reply have more elements than allowed.
        case tooManyElements(count: Int, limit: Int)
        /// A line has no end within its limit.
        case lineTooLong(limit: Int)
        /// A reply is larger than allowed as a whole.
        case replyTooLarge(limit: Int)
    }

    /// What is wrong.
    package var code: Code
    /// Where: bytes since the reply began.
    package var offset: Int

    /// An error of this kind at this place.
    package init(_ code: Code, offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// A sentence for a log line; it holds nothing of what was sent.
    package var description: String {
        "not a Redis reply, \(offset) bytes into it: \(explanation)"
    }

    private var explanation: String {
        switch code {
        case .unknownType(let byte): "byte 0x\(String(byte, radix: 16)) begins no kind of value"
        case .badLineEnd: "expected CR LF"
        case .malformed(let expected): "expected \(expected)"
        case .streamedLength: "strings and aggregates of unknown length are not supported"
        case .tooDeep(let limit): "aggregates nest deeper than \(limit)"
        case .bulkTooLong(let length, let limit): "a string of \(length) bytes, the limit is \(limit)"
        case .tooManyElements(let count, let limit):
            "an aggregate of \(count) elements, the limit is \(limit) in all"
        case .lineTooLong(let limit): "a line longer than \(limit) bytes"
        case .replyTooLarge(let limit): "a reply of more than \(limit) bytes"
        }
    }
}
