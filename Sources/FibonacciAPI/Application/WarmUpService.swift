import Caching
import NIOCore
import RedisClient
import ServiceLifecycle

/// Fills both tiers with what is asked for most before the service is ready, and Redis again whenever it comes back.
struct WarmUpService: Service {
    /// The indices that are warmed.
    static let indices = 0...99
    /// How long readiness waits for Redis, which may be away.
    private static let patience: Duration = .milliseconds(50)
    /// For the replies to all values.
    private static let timeout: Duration = .seconds(1)
    private static let pauseAfterFailure: Duration = .seconds(1)

    /// The Redis to warm.
    struct Redis: Sendable {
        let client: any RedisCommanding
        let tier: RedisTier
    }

    let source: FibonacciSource
    let origin: any FibonacciOrigin
    let redis: Redis?
    let reached: @Sendable () -> Void

    func run() async throws {
        let bodies = Self.indices.compactMap { index in
            origin.immediateBody(for: index).map { (index: index, body: $0) }
        }
        for (index, body) in bodies { source.keep(body, for: index) }
        guard let redis else {
            reached()
            try? await gracefulShutdown()
            return
        }
        let values = bodies.map { (index: $0.index, value: $0.body.digits) }
        let (connections, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        redis.client.onStateChange { state in
            if state.level == .connected { continuation.yield() }
        }
        if redis.client.state.level == .connected { continuation.yield() }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask {
                    try? await Task.sleep(for: Self.patience)
                    reached()
                }
                for await _ in connections {
                    await warm(redis, values)
                    reached()
                }
            }
        }
    }

    private func warm(_ redis: Redis, _ values: [(index: Int, value: ByteBuffer)]) async {
        while !Task.isCancelled, redis.tier.isReachable {
            if await redis.tier.warm(values, timeout: Self.timeout) { return }
            try? await Task.sleep(for: Self.pauseAfterFailure)
        }
    }
}
