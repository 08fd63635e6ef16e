import NIOCore

@testable import RESP

/// The decoder of replies: however a stream is cut, the same comes out; limits hold; a value, written again, is read again.
enum RESPCheck {
    /// So small that short inputs reach them.
    private static let smallLimits = RESPLimits(
        maximumDepth: 4,
        maximumBulkLength: 100,
        maximumElementCount: 10,
        maximumLineLength: 50,
        maximumReplyLength: 400
    )

    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        for limits in [RESPLimits(), smallLimits] {
            var whole = Reader(limits: limits)
            try whole.read(ByteBuffer(bytes: input))

            var pieces = Reader(limits: limits)
            var generator = InputGenerator(seededBy: input)
            var rest = input[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 24), using: &generator)
                try pieces.read(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            try require(pieces.replies == whole.replies, "the same replies from pieces")
            try require(pieces.failure == whole.failure, "the same fault from pieces: \(whole), \(pieces)")

            var bytes = Reader(limits: limits)
            for byte in input {
                let earlier = bytes.replies.count
                try bytes.read(ByteBuffer(bytes: [byte]))
                if bytes.failure != nil { break }
                try require(
                    bytes.decoder.isWithinReply == (bytes.replies.count == earlier),
                    "a reply is under way unless the last byte ended one"
                )
                // No element of an aggregate waits here once it is complete.
                let longest = max(limits.maximumBulkLength, limits.maximumLineLength) + 2
                try require(bytes.decoder.bufferedByteCount <= longest, "no more bytes wait than the limits allow")
            }
            try require(bytes.replies == whole.replies, "the same replies byte by byte")
            try require(bytes.failure == whole.failure, "the same fault byte by byte: \(whole), \(bytes)")
        }
    }

    /// A decoder and what came out of it.
    private struct Reader: CustomStringConvertible {
        let limits: RESPLimits
        var decoder: RESPDecoder
        /// As they are written again: two NaN are one.
        var replies: [ByteBuffer] = []
        var failure: RESPDecodingError?

        init(limits: RESPLimits) {
            self.limits = limits
            decoder = RESPDecoder(limits: limits)
        }

        var description: String { failure.map { "\($0)" } ?? "no fault" }

        mutating func read(_ bytes: ByteBuffer) throws(Violation) {
            decoder.append(bytes)
            while let reply = try next() {
                var size = Size()
                size.measure(reply)
                try require(size.depth <= limits.maximumDepth, "depth is within its limit")
                try require(size.elements <= limits.maximumElementCount, "elements are within their limit")
                try require(size.longestString <= limits.maximumBulkLength, "strings are within their limit")
                var written = ByteBuffer()
                written.write(reply)
                replies.append(written)
                try RESPCheck.checkRereading(written)
            }
        }

        private mutating func next() throws(Violation) -> RESPValue? {
            do throws(RESPDecodingError) {
                return try decoder.next()
            } catch {
                try require(failure == nil || failure == error, "a fault lasts")
                try require(decoder.bufferedByteCount == 0, "nothing waits behind a fault")
                try require(Input.isVisible(error.description), "a fault is one line: \(error)")
                failure = error
                return nil
            }
        }
    }

    private static func checkRereading(_ written: ByteBuffer) throws(Violation) {
        // Bytes that were no UTF-8 have become three.
        var decoder = RESPDecoder(limits: RESPLimits(maximumLineLength: 64 << 10))
        decoder.append(written)
        let value: RESPValue?
        do throws(RESPDecodingError) {
            value = try decoder.next()
        } catch {
            throw Violation(description: "what is written of a reply is read again: \(error)")
        }
        var again = ByteBuffer()
        if let value { again.write(value) }
        try require(again == written, "a reply, written and read, is the same")
        try require(!decoder.isWithinReply, "nothing is left of a reply")
    }

    private struct Size {
        var depth = 0
        var elements = 0
        var longestString = 0

        mutating func measure(_ value: RESPValue, at depth: Int = 0) {
            switch value {
            case .array(let values), .set(let values), .push(let values): measure(values, at: depth)
            case .map(let map): measure(map.entries.flatMap { [$0.key, $0.value] }, at: depth)
            case .bulkString(let bytes), .verbatimString(_, let bytes):
                longestString = max(longestString, bytes.readableBytes)
            default: break
            }
        }

        private mutating func measure(_ values: [RESPValue], at depth: Int) {
            self.depth = max(self.depth, depth + 1)
            elements += values.count
            for value in values { measure(value, at: depth + 1) }
        }
    }
}

extension ByteBuffer {
    /// Writes a value as a server of version 3 does; errors as bulk errors, which may have several lines.
    fileprivate mutating func write(_ value: RESPValue) {
        switch value {
        case .null: writeString("_\r\n")
        case .simpleString(let text): writeString("+\(text)\r\n")
        case .error(let error): writeString("!\(error.description.utf8.count)\r\n\(error.description)\r\n")
        case .integer(let integer): writeString(":\(integer)\r\n")
        case .double(let double): writeString(double.isNaN ? ",nan\r\n" : ",\(double)\r\n")
        case .boolean(let boolean): writeString(boolean ? "#t\r\n" : "#f\r\n")
        case .bigNumber(let digits): writeString("(\(digits)\r\n")
        case .bulkString(let bytes):
            writeString("$\(bytes.readableBytes)\r\n")
            writeImmutableBuffer(bytes)
            writeString("\r\n")
        case .verbatimString(let format, let bytes):
            writeString("=\(format.utf8.count + 1 + bytes.readableBytes)\r\n\(format):")
            writeImmutableBuffer(bytes)
            writeString("\r\n")
        case .array(let values): write("*", values.count, values)
        case .set(let values): write("~", values.count, values)
        case .push(let values): write(">", values.count, values)
        case .map(let map): write("%", map.entries.count, map.entries.flatMap { [$0.key, $0.value] })
        }
    }

    private mutating func write(_ type: String, _ count: Int, _ values: [RESPValue]) {
        writeString("\(type)\(count)\r\n")
        for value in values { write(value) }
    }
}
