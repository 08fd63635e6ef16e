import Synchronization
import Testing

@testable import Caching

@Suite("Single flight", .timeLimit(.minutes(1)))
struct SingleFlightTests {
    /// Holds productions back until the test lets them go, and counts them.
    private final class Gate: Sendable {
        private struct State {
            var isOpen = false
            var waiting: [CheckedContinuation<Void, Never>] = []
            var started = 0
            var cancelled = 0
        }

        private let state = Mutex(State())

        var started: Int { state.withLock { $0.started } }
        var cancelled: Int { state.withLock { $0.cancelled } }

        func pass() async throws {
            state.withLock { $0.started += 1 }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOpen = state.withLock { state in
                        if !state.isOpen { state.waiting.append(continuation) }
                        return state.isOpen
                    }
                    if isOpen { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.cancelled += 1 }
                open()
            }
            try Task.checkCancellation()
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }

        func close() {
            state.withLock { $0.isOpen = false }
        }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("a hundred callers at once cause one production, and one of them leads")
    func collapses() async throws {
        let flights = SingleFlight<Int, String>()
        let gate = Gate()
        let roles = try await withThrowingTaskGroup { group in
            for _ in 0..<100 {
                group.addTask {
                    let (value, role) = try await flights.value(for: 1) { _ in
                        try await gate.pass()
                        return "value"
                    }
                    #expect(value == "value")
                    return role
                }
            }
            await waitUntil { flights.waiterCount(for: 1) == 100 }
            gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(gate.started == 1)
        #expect(roles.count { $0 == .leader } == 1)
        #expect(flights.flightCount == 0)
    }

    @Test("different keys fly apart")
    func separatesKeys() async throws {
        let flights = SingleFlight<Int, Int>()
        #expect(try await flights.value(for: 1) { $0 * 10 }.value == 10)
        #expect(try await flights.value(for: 2) { $0 * 10 }.value == 20)
    }

    @Test("a caller that goes away leaves the others their answer, even if it was the first")
    func survivesLeader() async throws {
        let flights = SingleFlight<Int, String>()
        let gate = Gate()
        let produce: @Sendable (Int) async throws -> String = { _ in
            try await gate.pass()
            return "value"
        }
        let first = Task { try await flights.value(for: 1, produce: produce) }
        await waitUntil { flights.waiterCount(for: 1) == 1 }
        let second = Task { try await flights.value(for: 1, produce: produce) }
        await waitUntil { flights.waiterCount(for: 1) == 2 }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(gate.cancelled == 0)
        gate.open()
        #expect(try await second.value.value == "value")
    }

    @Test("a production that nobody waits for is cancelled, and the next caller starts anew")
    func cancelsAbandoned() async throws {
        let flights = SingleFlight<Int, String>()
        let gate = Gate()
        let produce: @Sendable (Int) async throws -> String = { _ in
            try await gate.pass()
            return "value"
        }
        let callers = (0..<3).map { _ in Task { try await flights.value(for: 1, produce: produce) } }
        await waitUntil { flights.waiterCount(for: 1) == 3 && gate.started == 1 }
        for caller in callers { caller.cancel() }
        for caller in callers {
            await #expect(throws: CancellationError.self) { try await caller.value }
        }
        await waitUntil { gate.cancelled == 1 }
        #expect(flights.flightCount == 0)

        let late = try await flights.value(for: 1, produce: produce)
        #expect(late.value == "value")
        #expect(late.role == .leader)
        #expect(gate.started == 2)
    }

    @Test("a caller that was cancelled before it asked gets nothing and starts nothing that lasts")
    func cancelledBeforehand() async {
        let flights = SingleFlight<Int, String>()
        let caller = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await flights.value(for: 1) { _ in
                try Task.checkCancellation()
                return "value"
            }
        }
        caller.cancel()
        await #expect(throws: CancellationError.self) { try await caller.value }
        #expect(flights.flightCount == 0)
    }

    @Test("everyone on board gets the error, and it is not kept")
    func sharesErrors() async throws {
        struct Failure: Error, Equatable {}
        let flights = SingleFlight<Int, String>()
        let gate = Gate()
        let callers = (0..<5).map { _ in
            Task {
                try await flights.value(for: 1) { _ in
                    try await gate.pass()
                    throw Failure()
                }
            }
        }
        await waitUntil { flights.waiterCount(for: 1) == 5 }
        gate.open()
        for caller in callers {
            await #expect(throws: Failure()) { try await caller.value }
        }
        #expect(try await flights.value(for: 1) { _ in "recovered" }.value == "recovered")
    }
}
