import Caching

/// Gets finished bodies: from the memory tier, else from the origin, with one flight an index.
struct FibonacciSource: Sendable {
    /// A body and how it was come by.
    struct Answer: Sendable {
        var body: FibonacciBody
        var status: CacheStatus
    }

    private let memory: MemoryTier<Int, FibonacciBody>
    private let flights = SingleFlight<Int, Answer>()
    private let origin: any FibonacciOrigin

    init(memoryCapacity: Int, origin: any FibonacciOrigin) {
        self.memory = MemoryTier(capacity: memoryCapacity, size: \.memorySize)
        self.origin = origin
    }

    /// Whether the memory tier has the body for `index`.
    func isCached(_ index: Int) -> Bool {
        memory.contains(index)
    }

    /// What the memory tier holds at this moment.
    var occupancy: MemoryTier<Int, FibonacciBody>.Occupancy { memory.occupancy }

    /// The body for `index` if it needs no waiting: cached, or quick to make.
    func immediateAnswer(for index: Int) -> Answer? {
        if let body = memory.value(for: index) {
            return Answer(body: body, status: .hit)
        }
        return origin.immediateBody(for: index).map { body in
            Answer(body: body, status: .computed(stored: memory.insert(body, for: index)))
        }
    }

    /// The body for an `index` that has no immediate answer. Callers that come while it is under way share it; one that is
    /// cancelled leaves the others alone.
    ///
    /// - Parameter redisTime: how much of the time that Redis may add to the request has been spent.
    /// - Throws: what the origin throws, or `CancellationError`.
    func answer(for index: Int, redisTime: Duration) async throws -> Answer {
        let (answer, role) = try await flights.value(for: index) { index in
            // Another flight may have landed between the look-up and this take-off.
            if let body = memory.value(for: index) { return Answer(body: body, status: .hit) }
            let answer = try await origin.body(for: index, redisTime: redisTime)
            let isStored = memory.insert(answer.body, for: index)
            return Answer(
                body: answer.body,
                status: answer.source == .redis ? .redisHit : .computed(stored: isStored)
            )
        }
        if role == .follower, case .computed = answer.status {
            return Answer(body: answer.body, status: .collapsed)
        }
        return answer
    }

    /// Keeps a body that was made elsewhere.
    func keep(_ body: FibonacciBody, for index: Int) {
        memory.insert(body, for: index)
    }
}
