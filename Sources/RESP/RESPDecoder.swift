package import NIOCore

/// Turns what a server sends into values, however it is cut into reads.
///
/// It keeps its place between reads: how far the present line was searched, how long the present string is, which aggregates
/// are open. So each byte is looked at once, and the time is linear in the bytes received. Nesting takes no stack.
/// Memory grows with bytes received, never with lengths announced.
package struct RESPDecoder: Sendable {
    private let limits: RESPLimits
    private var input = ByteBuffer()
    /// How many bytes of the line at the reader index are known to hold no CR.
    private var searched = 0
    private var pendingBulk: PendingBulk?
    private var open: [RESPAggregate] = []
    /// Bytes of the reply that are consumed.
    private var consumed = 0
    /// Elements that the reply's aggregates have announced.
    private var announced = 0
    private var failure: RESPDecodingError?

    private struct PendingBulk {
        var kind: RESPType
        var length: Int
    }

    /// A decoder at the beginning of a reply.
    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// How many bytes wait for the rest of their reply; those of open aggregates' complete elements are not among them.
    package var bufferedByteCount: Int { input.readableBytes }

    /// The memory that input takes, for tests.
    var storageCapacity: Int { input.storageCapacity }

    /// Whether a reply has begun and is not complete; attributes before it are part of it.
    package var isWithinReply: Bool { input.readableBytes > 0 || consumed > 0 }

    /// Adds what was read. Takes the buffer over where nothing is left of earlier ones.
    package mutating func append(_ bytes: consuming ByteBuffer) {
        guard failure == nil else { return }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            // Else reads that never end with a reply would keep all that was ever received. Linear in all: a byte moves when as many are gone.
            if input.readerIndex >= input.readableBytes { input.discardReadBytes() }
            input.writeBuffer(&bytes)
        }
    }

    /// The next complete value, or nil until more is read.
    ///
    /// - Throws: what is wrong with the bytes, from then on at every call.
    package mutating func next() throws(RESPDecodingError) -> RESPValue? {
        if let failure { throw failure }
        do throws(RESPDecodingError) {
            return try decodeReply()
        } catch {
            failure = error
            input = ByteBuffer()
            open = []
            throw error
        }
    }

    private mutating func decodeReply() throws(RESPDecodingError) -> RESPValue? {
        while let step = try decodeStep() {
            guard let reply = close(step) else { continue }
            consumed = 0
            announced = 0
            return reply
        }
        return nil
    }

    private enum Step {
        case value(RESPValue)
        case opened
    }

    private mutating func decodeStep() throws(RESPDecodingError) -> Step? {
        if let bulk = pendingBulk { return try readBulk(bulk).map(Step.value) }
        guard let line = try readLine() else { return nil }
        switch line.type {
        case .simpleString, .simpleError, .integer, .double, .boolean, .null, .bigNumber:
            return .value(try line.scalar(at: consumed))
        case .bulkString, .bulkError, .verbatimString:
            guard let length = try line.length(allowsNull: line.type == .bulkString, at: consumed) else {
                return .value(.null)
            }
            // Errors become reasons that people read, so they may be as long as those of one line.
            let limit = line.type == .bulkError ? limits.maximumLineLength : limits.maximumBulkLength
            guard length <= limit else {
                throw RESPDecodingError(.bulkTooLong(length: length, limit: limit), offset: consumed)
            }
            try checkReplyLength(adding: length)
            pendingBulk = PendingBulk(kind: line.type, length: length)
            return try readBulk(PendingBulk(kind: line.type, length: length)).map(Step.value)
        case .array, .map, .set, .push, .attribute:
            guard let count = try line.length(allowsNull: line.type == .array, at: consumed) else {
                return .value(.null)
            }
            return try openAggregate(line.type, count: count)
        }
    }

    private mutating func openAggregate(_ type: RESPType, count: Int) throws(RESPDecodingError) -> Step {
        let (elements, overflow) = count.multipliedReportingOverflow(by: type.elementsPerEntry)
        guard !overflow, elements <= limits.maximumElementCount - announced else {
            throw RESPDecodingError(
                .tooManyElements(count: count, limit: limits.maximumElementCount),
                offset: consumed
            )
        }
        guard open.count < limits.maximumDepth else {
            throw RESPDecodingError(.tooDeep(limit: limits.maximumDepth), offset: consumed)
        }
        announced += elements
        let aggregate = RESPAggregate(type: type, count: elements)
        if elements == 0, let value = aggregate.value { return .value(value) }
        if elements > 0 { open.append(aggregate) }
        return .opened
    }

    /// Puts a value into the innermost open aggregate and closes what is thereby complete.
    ///
    /// - Returns: the reply, if this was the last of it.
    private mutating func close(_ step: Step) -> RESPValue? {
        guard case .value(var value) = step else { return nil }
        while !open.isEmpty {
            guard open[open.count - 1].append(value) else { return nil }
            // An attribute belongs to the value that follows it, and is dropped.
            guard let complete = open.removeLast().value else { return nil }
            value = complete
        }
        return value
    }

    private func checkReplyLength(adding count: Int) throws(RESPDecodingError) {
        guard consumed + count <= limits.maximumReplyLength else {
            throw RESPDecodingError(.replyTooLarge(limit: limits.maximumReplyLength), offset: consumed)
        }
    }
}

extension RESPDecoder {
    private mutating func readBulk(_ bulk: PendingBulk) throws(RESPDecodingError) -> RESPValue? {
        guard input.readableBytes >= bulk.length + 2 else { return nil }
        guard let content = input.readSlice(length: bulk.length) else { return nil }
        consumed += bulk.length
        guard input.readInteger(as: UInt16.self) == 0x0D0A else {
            throw RESPDecodingError(.badLineEnd, offset: consumed)
        }
        consumed += 2
        pendingBulk = nil
        return try bulk.kind.bulkValue(content, at: consumed)
    }

    private mutating func readLine() throws(RESPDecodingError) -> RESPLine? {
        guard let first = input.getInteger(at: input.readerIndex, as: UInt8.self) else { return nil }
        guard let type = RESPType(rawValue: first) else {
            throw RESPDecodingError(.unknownType(first), offset: consumed)
        }
        let view = input.readableBytesView
        guard let end = view[(view.startIndex + searched)...].firstIndex(of: 0x0D) else {
            searched = view.count
            try checkLineLength(searched)
            return nil
        }
        let length = end - view.startIndex
        try checkLineLength(length)
        guard end + 1 < view.endIndex else {
            searched = length
            return nil
        }
        guard view[end + 1] == 0x0A else { throw RESPDecodingError(.badLineEnd, offset: consumed + length) }
        try checkReplyLength(adding: length + 2)
        input.moveReaderIndex(forwardBy: 1)
        let content = input.readSlice(length: length - 1) ?? ByteBuffer()
        input.moveReaderIndex(forwardBy: 2)
        searched = 0
        consumed += length + 2
        return RESPLine(type: type, content: content)
    }

    private func checkLineLength(_ length: Int) throws(RESPDecodingError) {
        guard length <= limits.maximumLineLength else {
            throw RESPDecodingError(.lineTooLong(limit: limits.maximumLineLength), offset: consumed)
        }
    }
}
