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
    private struct Redis: Sendable {
        let client: any RedisCommanding
        let tier: RedisTier
    }

    private let source: FibonacciSource
    private let origin: any FibonacciOrigin
    private let redis: Redis?
    private let reached: @Sendable () -> Void

    /// - Parameters:
    ///   - client: the Redis to warm; nil if there is none.
    ///   - tier: how values are stored there.
    init(
        source: FibonacciSource,
        origin: any FibonacciOrigin,
        client: (any RedisCommanding)?,
        tier: RedisTier?,
        reached: @escaping @Sendable () -> Void
    ) {
        self.source = source
        self.origin = origin
        self.reached = reached
        if let client, let tier { redis = Redis(client: client, tier: tier) } else { redis = nil }
    }

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
        let (changes, continuation) = AsyncStream.makeStream(
            of: Void.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        redis.client.onStateChange { _ in continuation.yield() }
        continuation.yield()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask {
                    try? await Task.sleep(for: Self.patience)
                    reached()
                }
                for await _ in changes {
                    switch redis.client.state.level {
                    case .connected:
                        await fill(redis, values)
                        reached()
                    case .degraded, .down:
                        await probe(redis, values)
                    case .starting: break
                    }
                }
            }
        }
    }

    private func fill(_ redis: Redis, _ values: [(index: Int, value: ByteBuffer)]) async {
        while !Task.isCancelled, redis.client.state.level == .connected {
            if await redis.tier.warm(values, timeout: Self.timeout) { return }
            try? await Task.sleep(for: Self.pauseAfterFailure)
        }
    }

    /// A Redis that takes no writes (full, or a replica), and a cluster that does not serve, are found to be well again only by a command:
    /// requests may be long in coming, and none goes to Redis while it is down. All values are tried, because each node of a cluster has to
    /// show for itself; while there is no connection or the circuit is open nothing is sent.
    private func probe(_ redis: Redis, _ values: [(index: Int, value: ByteBuffer)]) async {
        while !Task.isCancelled, [.degraded, .down].contains(redis.client.state.level) {
            try? await Task.sleep(for: Self.pauseAfterFailure)
            _ = await redis.tier.warm(values, timeout: Self.timeout)
        }
    }
}
