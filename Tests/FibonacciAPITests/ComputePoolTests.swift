import Dispatch
import Synchronization
import Testing

@testable import FibonacciAPI

@Suite("Compute pool", .timeLimit(.minutes(1)))
struct ComputePoolTests {
    /// Occupies a thread of the pool until it is released.
    private final class Blocker: Sendable {
        private let begun = DispatchSemaphore(value: 0)
        private let end = DispatchSemaphore(value: 0)

        func occupy(_ pool: ComputePool) async -> Task<Void, any Error> {
            let task = Task {
                try await pool.run(cost: 1) { _ in
                    self.begun.signal()
                    self.end.wait()
                }
            }
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    self.begun.wait()
                    continuation.resume()
                }
            }
            return task
        }

        func release() { end.signal() }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("gives back what the work gives, and throws what it throws")
    func results() async throws {
        struct Failure: Error {}
        let pool = ComputePool(threads: 2, maximumQueueCost: 10)
        #expect(try await pool.run(cost: 1) { _ in 42 } == 42)
        await #expect(throws: Failure.self) { try await pool.run(cost: 1) { _ in throw Failure() } }
    }

    @Test("refuses work when the queue is full, with a time to come back")
    func overload() async throws {
        let pool = ComputePool(threads: 1, maximumQueueCost: 10)
        let blocker = Blocker()
        let running = await blocker.occupy(pool)
        let waiting = Task { try await pool.run(cost: 10) { _ in "done" } }
        await waitUntil { pool.queuedCost == 10 }
        let error = await #expect(throws: ComputePool.Overloaded.self) {
            try await pool.run(cost: 1) { _ in "refused" }
        }
        #expect((1...60).contains(error?.retryAfter ?? 0))
        blocker.release()
        try await running.value
        #expect(try await waiting.value == "done")
        #expect(pool.queuedCost == 0)
    }

    @Test("work that nobody waits for leaves the queue at once and is never begun")
    func cancelsWaiting() async throws {
        let pool = ComputePool(threads: 1, maximumQueueCost: 10)
        let blocker = Blocker()
        let running = await blocker.occupy(pool)
        let begun = Atomic(false)
        let waiting = Task { try await pool.run(cost: 10) { _ in begun.store(true, ordering: .relaxed) } }
        await waitUntil { pool.queuedCost == 10 }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(pool.queuedCost == 0)
        blocker.release()
        try await running.value
        #expect(try await pool.run(cost: 1) { _ in true })
        let hasBegun = begun.load(ordering: .relaxed)
        #expect(!hasBegun)
    }

    @Test("work that is under way learns that nobody waits for it")
    func cancelsRunning() async throws {
        let pool = ComputePool(threads: 1, maximumQueueCost: 10)
        let begun = Atomic(false)
        let running = Task {
            try await pool.run(cost: 1) { cancellation in
                begun.store(true, ordering: .relaxed)
                while true { try cancellation.check() }
            }
        }
        await waitUntil { begun.load(ordering: .relaxed) }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
    }

    @Test("a pool that has stopped gives up what waits, lets what runs come to its end, and refuses what comes")
    func stops() async throws {
        let pool = ComputePool(threads: 1, maximumQueueCost: 10)
        let blocker = Blocker()
        let running = await blocker.occupy(pool)
        let waiting = Task { try await pool.run(cost: 10) { _ in "never" } }
        await waitUntil { pool.queuedCost == 10 }
        let service = Task { try await pool.run() }
        service.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(pool.queuedCost == 0)
        await #expect(throws: ComputePool.Overloaded.self) { try await pool.run(cost: 1) { _ in "refused" } }
        blocker.release()
        try await running.value
        try await service.value
        await #expect(throws: ComputePool.Overloaded.self) { try await pool.run(cost: 1) { _ in "refused" } }
    }

    @Test("all threads work at once")
    func parallel() async throws {
        let pool = ComputePool(threads: 3, maximumQueueCost: 10)
        let blockers = [Blocker(), Blocker(), Blocker()]
        var tasks: [Task<Void, any Error>] = []
        for blocker in blockers { tasks.append(await blocker.occupy(pool)) }
        for blocker in blockers { blocker.release() }
        for task in tasks { try await task.value }
    }
}
