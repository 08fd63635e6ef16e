/// What a collector answered.
struct ExportResponse: Sendable, Hashable {
    var status: Int
    var retryAfter: String?
    /// The body, unless it was longer than what is read of one.
    var body: [UInt8] = []
}

/// Sends one request to a collector.
protocol ExportTransport: Sendable {
    /// The answer within the time that a request may take.
    ///
    /// - Throws: `CancellationError` if the task is cancelled, else that there is no answer.
    func send(_ body: [UInt8], encoding: String?) async throws -> ExportResponse
    /// Gives up connections.
    func shutdown() async
}
