import Caching
import Logging
import NIOPosix
import PrometheusMetrics
import RateLimiting
import RedisClient
import ServiceLifecycle

/// The parts that may stand on a Redis: the second cache tier, and the limiter.
struct RedisParts {
    private typealias Client = any RedisCommanding & Service

    /// What the cache's connections are for; nil without `REDIS_URL`.
    let cacheClient: (any RedisCommanding)?
    /// What the limiter counts in; nil if that is this process's memory, or if nothing is limited.
    let limiterClient: (any RedisCommanding)?
    let limiter: RateLimiter?
    /// Whether both clients lead to the same server: what one finds out about it holds for the other. Of a cluster they may see different parts.
    let isSharingServer: Bool
    /// In the order in which they start.
    let services: [any Service]

    private let configuration: ServiceConfiguration
    private let metrics: PrometheusRegistry

    /// - Throws: ``ConfigurationError`` for files that cannot be used.
    init(
        configuration: ServiceConfiguration,
        metrics: PrometheusRegistry,
        spans: ChildSpans,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.metrics = metrics
        let rateLimit = configuration.rateLimit
        isSharingServer = rateLimit?.isSharingCache == true && configuration.redis?.isCluster == false
        var services: [any Service] = []
        // A thread of their own: on those of the public port replies would wait behind requests, and time out where there are many.
        var loops: EventLoopService?
        func client(
            _ redis: RedisConfiguration?,
            _ settings: RedisSettings,
            _ purpose: RedisMetrics.Purpose,
            _ logger: Logger
        ) throws -> Client? {
            guard let redis else { return nil }
            let group = loops ?? EventLoopService(threads: 1)
            if loops == nil { services.append(group) }
            loops = group
            let observer = RedisMetrics(purpose: purpose, registry: metrics, spans: spans)
            do throws(RedisConfigurationError) {
                let client = try redis.makeClient(group: group.loops, logger: logger, observer: observer)
                services.append(client)
                return client
            } catch {
                throw settings.configurationError(error)
            }
        }
        cacheClient = try client(configuration.redis, .cache, .cache, logger)
        // Connections of its own: a check must not wait behind a value of a megabyte. Their changes of state are told in terms of the limiter.
        limiterClient = try client(rateLimit?.redis, .rateLimit, .rateLimit, logger.forLibraries)
        limiter = rateLimit.map { [limiterClient] rateLimit in
            guard let client = limiterClient, let redis = rateLimit.redis else {
                return RateLimiter(policy: rateLimit.policy)
            }
            return RateLimiter(policy: rateLimit.policy, redis: client, deadline: redis.timeouts.command)
        }
        if let limiter { services.append(limiter) }
        self.services = services
        observeStates()
    }

    /// The Redis tier; nil without one.
    var tier: RedisTier? {
        cacheClient.map { client in
            RedisTier(
                client: client,
                keyPrefix: "fib:",
                secondsToLive: configuration.cacheSecondsToLive,
                largestValue: configuration.cacheLargestValue
            )
        }
    }

    /// Where numbers come from that are not in memory: the Redis tier if there is one, and else `computation`.
    func origin(over computation: ComputeOrigin, integrity: IntegrityReporter) -> any FibonacciOrigin {
        guard let tier, let redis = configuration.redis else { return computation }
        return RedisOrigin(
            tier: tier,
            companion: isSharingServer ? limiterClient : nil,
            timeBudget: redis.timeouts.command,
            fallback: computation,
            metrics: RedisTierMetrics(registry: metrics),
            integrity: integrity
        )
    }

    /// Keeps readiness back until the limiter knows whether its Redis is there; nil if it has none.
    func limiterState(logger: Logger, reached: @escaping @Sendable () -> Void) -> RateLimitStateService? {
        guard let limiter, let limiterClient else { return nil }
        return RateLimitStateService(
            limiter: limiter,
            client: limiterClient,
            companion: isSharingServer ? cacheClient : nil,
            logger: logger,
            reached: reached
        )
    }

    private func observeStates() {
        if let limiter { RateLimitDecisions.observe(limiter, in: metrics) }
        var clients: [RedisMetrics.Observed] = []
        if let cacheClient {
            clients.append(RedisMetrics.Observed(purpose: .cache, client: cacheClient) { cacheClient.state })
        }
        if let limiter, let limiterClient {
            clients.append(
                RedisMetrics.Observed(purpose: .rateLimit, client: limiterClient) {
                    limiter.redisState ?? limiterClient.state
                }
            )
        }
        RedisMetrics.observe(clients, in: metrics)
    }
}
