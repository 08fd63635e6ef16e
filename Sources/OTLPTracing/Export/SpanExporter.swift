/// Takes batches of spans somewhere.
protocol SpanExporter: Sendable {
    /// Tries until the batch is taken or lost; cancellation makes it lost.
    func export(_ batch: [SpanRecord]) async -> ExportResult
    /// Gives up connections.
    func shutdown() async
}

/// What became of a batch.
struct ExportResult: Sendable, Hashable {
    var exported = 0
    var dropped: [SpanDropReason: Int] = [:]
}
