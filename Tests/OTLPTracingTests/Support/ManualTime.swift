import Synchronization

@testable import OTLPTracing

/// Time that passes when a test says so.
final class ManualTime: Sendable {
    private struct Sleeper {
        let length: Duration
        let end: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        let length: Duration
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State: ~Copyable {
        var now: Duration = .zero
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [Watcher] = []
        var nextNumber = 0
    }

    private let state = Mutex(State())

    var source: TimeSource {
        TimeSource(
            uptime: { self.state.withLock { $0.now } },
            sleep: { try await self.sleep($0) },
            wallClock: {
                let now = self.state.withLock { $0.now }
                return 1_700_000_000_000_000_000 + UInt64(now / .nanoseconds(1))
            }
        )
    }

    /// Lets time pass, and wakes who has slept long enough.
    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration
            let now = state.now
            let due = state.sleepers.filter { $0.value.end <= now }
            for number in due.keys { state.sleepers.removeValue(forKey: number) }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Returns as soon as somebody sleeps who went to sleep for so long.
    func untilSomebodySleeps(for length: Duration) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.values.contains(where: { $0.length == length }) { return true }
                state.watchers.append(Watcher(length: length, continuation: continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func sleep(_ length: Duration) async throws {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let watchers: [Watcher]? = state.withLock { state in
                    if Task.isCancelled { return nil }
                    state.sleepers[number] = Sleeper(
                        length: length,
                        end: state.now + length,
                        continuation: continuation
                    )
                    let pleased = state.watchers.filter { $0.length == length }
                    state.watchers.removeAll { $0.length == length }
                    return pleased
                }
                guard let watchers else { return continuation.resume(throwing: CancellationError()) }
                for watcher in watchers { watcher.continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: number) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
