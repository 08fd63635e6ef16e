/// Where a body comes from that the memory tier does not have.
protocol FibonacciOrigin: Sendable {
    /// The body for `index` if it takes no more than some tens of microseconds to get, and no waiting.
    func immediateBody(for index: Int) -> FibonacciBody?

    /// The body for `index`, however long that takes. Cancelling the task gives it up.
    ///
    /// - Parameter redisTime: how much of the time that Redis may add to a request has been spent on its behalf.
    /// - Throws: a ``Problem`` that says why there is none, or `CancellationError`.
    func body(for index: Int, redisTime: Duration) async throws -> SourcedBody
}

/// A body and where it came from.
struct SourcedBody: Sendable {
    enum Source: Sendable {
        /// It was computed.
        case computation
        /// The Redis tier had it.
        case redis
    }

    var body: FibonacciBody
    var source: Source
}
