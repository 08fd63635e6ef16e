import Logging
import RateLimiting
import RedisClient
import ServiceLifecycle

/// Watches the Redis that budgets are counted in: holds readiness back until the first attempt to reach it has ended, because until then
/// every process would count for itself, and logs when that begins and ends.
struct RateLimitStateService: Service {
    /// Between looks for what is no change of the client's state: commands that Redis refuses.
    private static let period: Duration = .seconds(1)
    /// How long readiness waits for Redis, which may be away.
    private static let patience: Duration = .milliseconds(50)

    let limiter: RateLimiter
    let client: any RedisCommanding
    /// The cache's client if it leads to the same server.
    let companion: (any RedisCommanding)?
    let logger: Logger
    let reached: @Sendable () -> Void

    func run() async throws {
        let (looks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        client.onStateChange { _ in continuation.yield() }
        continuation.yield()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask {
                    try? await Task.sleep(for: Self.patience)
                    reached()
                }
                tasks.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.period)
                        continuation.yield()
                    }
                }
                var isLocal = false
                for await _ in looks {
                    guard let state = limiter.redisState, state.level != .starting else { continue }
                    report(state, isLocal: &isLocal)
                    reached()
                    if state.level == .down, let companion { tasks.addTask { await alert(companion) } }
                }
            }
        }
    }

    /// Has the cache's client find out for itself, because no request asks it while the limiter's has found the server to be away.
    private func alert(_ companion: any RedisCommanding) async {
        // As many failures as open a circuit; the next look tries again. A client that refuses at once must not be asked in a circle.
        for _ in 0..<CircuitBreakerPolicy().consecutiveFailures {
            guard !Task.isCancelled, client.state.level == .down, companion.state.level == .connected else { return }
            guard (try? await companion.send(RedisCommand("PING"))) == nil else { return }
        }
    }

    private func report(_ state: RedisState, isLocal: inout Bool) {
        let wasLocal = isLocal
        isLocal = state.level != .connected
        guard isLocal != wasLocal else { return }
        if isLocal {
            logger.warning("rate limits are local", metadata: ["reason": "\(state.reason ?? state.level.rawValue)"])
        } else {
            logger.info("rate limits are shared again")
        }
    }
}
