internal import Tracing

/// What time it is, and how to wait for it to pass.
struct TimeSource: Sendable {
    /// Since whenever; never steps back.
    let uptime: @Sendable () -> Duration
    /// Waits that long, or throws when the task is cancelled.
    let sleep: @Sendable (Duration) async throws -> Void
    /// Nanoseconds since 1970.
    let wallClock: @Sendable () -> UInt64

    /// The system's clocks.
    static let system: TimeSource = {
        let origin = ContinuousClock.now
        return TimeSource(
            uptime: { ContinuousClock.now - origin },
            sleep: { try await Task.sleep(for: $0) },
            wallClock: { DefaultTracerClock.now.nanosecondsSinceEpoch }
        )
    }()

    /// What `body` gives, or nil after `limit`: then `body` is cancelled, and waited for.
    func limited<Result: Sendable>(
        to limit: Duration,
        _ body: @escaping @Sendable () async -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await sleep(limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
