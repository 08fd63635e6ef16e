import Caching

/// Gets finished bodies: from the memory tier, else from the origin, with one flight an index.
struct FibonacciSource: Sendable {
    /// A body and how it was come by.
    struct Answer: Sendable {
        var body: FibonacciBody
        var status: CacheStatus
    }

    private let memory: MemoryTier<Int, FibonacciBody>
    private let flights = SingleFlight<Int, Landing>()
    private let origin: any FibonacciOrigin

    /// What a flight brings to everyone on board.
    private struct Landing: Sendable {
        var body: FibonacciBody
        var isStored: Bool
    }

    init(memoryCapacity: Int, origin: any FibonacciOrigin) {
        self.memory = MemoryTier(capacity: memoryCapacity, size: \.memorySize)
        self.origin = origin
    }

    /// Whether the memory tier has the body for `index`.
    func isCached(_ index: Int) -> Bool {
        memory.contains(index)
    }

    /// The body for `index` if it needs no waiting: cached, or quick to make.
    func immediateAnswer(for index: Int) -> Answer? {
        if let body = memory.value(for: index) {
            return Answer(body: body, status: .hit)
        }
        return origin.immediateBody(for: index).map { body in
            Answer(body: body, status: .computed(stored: memory.insert(body, for: index)))
        }
    }

    /// The body for `index`. Callers that come while it is under way share it; one that is cancelled leaves the others alone.
    ///
    /// - Throws: what the origin throws, or `CancellationError`.
    func answer(for index: Int) async throws -> Answer {
        if let answer = immediateAnswer(for: index) { return answer }
        let (landing, role) = try await flights.value(for: index) { index in
            // It may have landed between the look-up above and this take-off.
            if let body = memory.value(for: index) { return Landing(body: body, isStored: true) }
            let body = try await origin.body(for: index)
            return Landing(body: body, isStored: memory.insert(body, for: index))
        }
        return Answer(body: landing.body, status: role == .leader ? .computed(stored: landing.isStored) : .collapsed)
    }

    /// Makes the bodies for `indices` and keeps them.
    func warm(_ indices: ClosedRange<Int>) async throws {
        for index in indices {
            _ = try await answer(for: index)
        }
    }
}
