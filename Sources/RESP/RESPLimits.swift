/// How large a reply may be. Whatever exceeds a limit is a fault of the connection, found before memory is taken for it.
package struct RESPLimits: Sendable, Hashable {
    /// How deep aggregates may nest; a plain value has depth 0.
    package var maximumDepth: Int
    /// How many bytes a bulk or verbatim string or a bulk error may have.
    package var maximumBulkLength: Int
    /// How many elements the aggregates of one reply may have together; a map's entries count twice.
    package var maximumElementCount: Int
    /// How many bytes a line may have, its type included and its end not.
    package var maximumLineLength: Int
    /// How many bytes a whole reply may have, with everything in it.
    package var maximumReplyLength: Int

    /// Limits; the defaults are generous for a cache and far below what exhausts a process.
    package init(
        maximumDepth: Int = 16,
        maximumBulkLength: Int = 16 << 20,
        maximumElementCount: Int = 1 << 17,
        maximumLineLength: Int = 16 << 10,
        maximumReplyLength: Int = 32 << 20
    ) {
        self.maximumDepth = maximumDepth
        self.maximumBulkLength = maximumBulkLength
        self.maximumElementCount = maximumElementCount
        self.maximumLineLength = maximumLineLength
        self.maximumReplyLength = maximumReplyLength
    }
}
