import Caching
import DecimalArithmetic
import Fibonacci
import HummingbirdCore
package import JSONLogging
import Logging
import NIOCore
import NIOPosix
import PrometheusMetrics
import RateLimiting
import RedisClient
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The service, wired together and ready to run.
package struct FibonacciApplication: Sendable {
    /// What the services get after their deadline to end what was cancelled.
    private static let cancellationGrace: Duration = .seconds(1)

    fileprivate let group: ServiceGroup
    /// The longest that the group takes from a signal to its end, unless something does not heed its cancellation.
    fileprivate let shutdownDeadline: Duration
    fileprivate let logger: Logger
    fileprivate let logWriter: BufferedLineWriter

    /// Serves until SIGTERM or SIGINT, then drains and stops; a second signal ends the process at once.
    ///
    /// - Throws: what keeps the service from starting, such as a port that is taken.
    package func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        defer { logWriter.shutdown(within: .seconds(1)) }
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await stop(on: signals) }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
        logger.info("stopped")
    }

    private func stop(on signals: UnixSignalsSequence) async {
        var isStopping = false
        var watchdog: Task<Void, any Error>?
        defer { watchdog?.cancel() }
        for await signal in signals {
            if isStopping {
                logger.warning("second signal, ending at once", metadata: ["signal": "\(signal)"])
                end(EXIT_FAILURE)
            }
            isStopping = true
            logger.info("signal received, stopping", metadata: ["signal": "\(signal)"])
            watchdog = Task {
                // A computation heeds its cancellation between steps, and the last step of a huge one takes long.
                try await Task.sleep(for: shutdownDeadline + Self.cancellationGrace)
                logger.warning("shutdown deadline exceeded, ending with work under way")
                end(EXIT_SUCCESS)
            }
            await group.triggerGracefulShutdown()
        }
    }

    private func end(_ code: Int32) -> Never {
        logWriter.flush(within: .milliseconds(200))
        _exit(code)
    }
}

/// Puts the parts together: the one place where concrete types meet.
///
/// - Parameters:
///   - configuration: the validated settings.
///   - logWriter: takes the log lines; shut down when the application has stopped.
/// - Throws: ``ConfigurationError`` for what shows only now, such as a certificate that cannot be read.
package func buildApplication(
    configuration: ServiceConfiguration,
    logWriter: BufferedLineWriter
) throws -> FibonacciApplication {
    let logger = makeLogger(configuration, writer: logWriter)
    let started = ContinuousClock.now
    let state = ServiceState()
    let reached: @Sendable (ServiceState.Milestone) -> Void = { milestone in
        guard state.reached(milestone) else { return }
        let elapsed = ContinuousClock.now - started
        logger.info("ready", metadata: ["after_ms": .stringConvertible(elapsed / .milliseconds(1))])
    }

    let metrics = PrometheusRegistry()
    let integrity = IntegrityReporter(logger: logger, registry: metrics)
    let computeDurations = ComputeMetrics.durations(in: metrics)
    let pool = ComputePool(
        threads: configuration.computeThreads,
        maximumQueueCost: configuration.computeQueueCost
    ) { computeDurations.observe($0) }
    let computation = ComputeOrigin(pool: pool, engine: Engine(kernel: configuration.kernel), integrity: integrity)
    let redis = try configuration.redis.map { try makeRedisCache($0, configuration, metrics, logger: logger) }
    let limiting = try configuration.rateLimit.map { try makeLimiter($0, metrics, logger: logger) }
    // What one client finds out about a server holds for the other; of a cluster they may see different parts.
    let isSharingServer = configuration.rateLimit?.isSharingCache == true && configuration.redis?.isCluster == false
    let source = FibonacciSource(
        memoryCapacity: configuration.cacheMemoryBytes,
        origin: redis.map { redis in
            RedisOrigin(
                tier: redis.tier,
                companion: isSharingServer ? limiting?.client : nil,
                timeBudget: redis.configuration.timeouts.command,
                fallback: computation,
                metrics: RedisTierMetrics(registry: metrics),
                integrity: integrity
            )
        } ?? computation
    )
    let dates = HTTPDateCache()
    let accessLog = AccessLog(writer: logWriter, format: configuration.logFormat, level: configuration.logLevel)
    let exchangeMetrics = ExchangeMetrics(registry: metrics)
    let publicResponder = PublicResponder(
        resource: FibonacciResource(
            maximumIndex: configuration.maximumIndex,
            budget: configuration.rateLimit?.policy.budget
        ),
        source: source,
        admission: Admission(
            identity: ClientIdentity(trusting: configuration.trustedProxies),
            limiter: limiting?.limiter
        ),
        exchanges: ExchangeRunner(
            dates: dates,
            observers: [accessLog, exchangeMetrics],
            isPublic: true,
            logger: logger
        )
    )
    // Probes come every few seconds and say nothing new: the admin port keeps no access log.
    let adminResponder = AdminResponder(
        state: state,
        kernel: configuration.kernel.name,
        redis: redis?.client,
        isSharingServer: isSharingServer,
        limiter: limiting?.limiter,
        metrics: metrics,
        exchanges: ExchangeRunner(dates: dates, observers: [], isPublic: false, logger: logger)
    )
    let wantedConnections = configuration.connectionLimits.maximumConnections
    let shares = ConnectionShares(wanted: wantedConnections, limit: FileDescriptorLimit.raise())
    if shares.publicCap < wantedConnections {
        logger.warning(
            "fewer connections than HTTP_MAX_CONNECTIONS: the limit of open files is too low (ulimit -n)",
            metadata: ["wanted": "\(wantedConnections)", "cap": "\(shares.publicCap)"]
        )
    }
    var publicLimits = configuration.connectionLimits
    publicLimits.maximumConnections = shares.publicCap
    var adminLimits = configuration.connectionLimits
    adminLimits.maximumConnections = shares.adminCap
    let publicServer = makeServer(
        publicResponder,
        name: "public",
        host: configuration.host,
        port: configuration.port,
        variable: ServiceConfiguration.port.name,
        limits: publicLimits,
        state: state,
        logger: logger
    ) { reached(.publicListener) }
    let adminServer = makeServer(
        adminResponder,
        name: "admin",
        host: configuration.host,
        port: configuration.adminPort,
        variable: ServiceConfiguration.adminPort.name,
        limits: adminLimits,
        state: state,
        logger: logger
    ) { reached(.adminListener) }

    // Stopped in reverse: the drain first, then the listeners while the pool still finishes what is in flight.
    let warmUp = WarmUpService(
        source: source,
        origin: computation,
        redis: redis.map { WarmUpService.Redis(client: $0.client, tier: $0.tier) }
    ) { reached(.warmUp) }
    let rateLimitState = limiting.flatMap { limiting in
        guard let client = limiting.client else { return nil as RateLimitStateService? }
        return RateLimitStateService(
            limiter: limiting.limiter,
            client: client,
            companion: isSharingServer ? redis?.client : nil,
            logger: logger
        ) { reached(.rateLimiter) }
    }
    if rateLimitState == nil { reached(.rateLimiter) }
    let drain = DrainService(state: state, duration: configuration.shutdownDrain, logger: logger)
    CacheMetrics.observe(source, capacity: configuration.cacheMemoryBytes, in: metrics)
    ComputeMetrics.observe(pool, in: metrics)
    ServiceMetrics.observe(state: state, logWriter: logWriter, kernel: configuration.kernel.name, in: metrics)
    if let limiter = limiting?.limiter { RateLimitDecisions.observe(limiter, in: metrics) }
    let redisClients: [(purpose: RedisMetrics.Purpose, client: (any RedisCommanding)?)] = [
        (.cache, redis?.client), (.rateLimit, limiting?.client),
    ]
    RedisMetrics.observe(redisClients.compactMap { purpose, client in client.map { (purpose, $0) } }, in: metrics)
    let services: [(any Service)?] = [
        redis?.client, limiting?.client, limiting?.limiter, pool,
        EventLoopLagService(group: MultiThreadedEventLoopGroup.singleton, registry: metrics), adminServer, publicServer,
        warmUp, rateLimitState,
        drain,
    ]
    var group = ServiceGroupConfiguration(
        services: services.compactMap(\.self),
        logger: quiet(logger)
    )
    group.maximumGracefulShutdownDuration = configuration.shutdownDrain + configuration.shutdownTimeout
    return FibonacciApplication(
        group: ServiceGroup(configuration: group),
        shutdownDeadline: configuration.shutdownDrain + configuration.shutdownTimeout,
        logger: logger,
        logWriter: logWriter
    )
}

/// The Redis tier and what it stands on.
private struct RedisCache {
    let client: any RedisCommanding & Service
    let tier: RedisTier
    let configuration: RedisConfiguration
}

private func makeRedisCache(
    _ redis: RedisConfiguration,
    _ configuration: ServiceConfiguration,
    _ metrics: PrometheusRegistry,
    logger: Logger
) throws -> RedisCache {
    let observer = RedisMetrics(purpose: .cache, registry: metrics)
    let client = try makeRedisClient(redis, .cache, observer, logger: logger)
    let tier = RedisTier(
        client: client,
        keyPrefix: "fib:",
        secondsToLive: configuration.cacheSecondsToLive,
        largestValue: configuration.cacheLargestValue
    )
    return RedisCache(client: client, tier: tier, configuration: redis)
}

/// The limiter, and what it counts in if that is shared.
private struct Limiting {
    let limiter: RateLimiter
    let client: (any RedisCommanding & Service)?
}

private func makeLimiter(
    _ configuration: RateLimitConfiguration,
    _ metrics: PrometheusRegistry,
    logger: Logger
) throws -> Limiting {
    guard let redis = configuration.redis else {
        return Limiting(limiter: RateLimiter(policy: configuration.policy), client: nil)
    }
    // Connections of its own: a check must not wait behind a value of a megabyte.
    // Its changes of state are told in terms of the limiter.
    let observer = RedisMetrics(purpose: .rateLimit, registry: metrics)
    let client = try makeRedisClient(redis, .rateLimit, observer, logger: quiet(logger))
    let limiter = RateLimiter(policy: configuration.policy, redis: client, deadline: redis.timeouts.command)
    return Limiting(limiter: limiter, client: client)
}

private func makeRedisClient(
    _ redis: RedisConfiguration,
    _ settings: RedisSettings,
    _ observer: RedisMetrics,
    logger: Logger
) throws -> any RedisCommanding & Service {
    do throws(RedisConfigurationError) {
        return try redis.makeClient(group: MultiThreadedEventLoopGroup.singleton, logger: logger, observer: observer)
    } catch {
        throw settings.configurationError(error)
    }
}

private func makeServer<Responder: HTTPResponder>(
    _ responder: Responder,
    name: String,
    host: String,
    port: Int,
    variable: String,
    limits: ConnectionLimits,
    state: ServiceState,
    logger: Logger,
    onListening: @escaping @Sendable () -> Void
) -> any Service {
    let channel = HTTP1ServerChannel(limits: limits, responder: responder, isDraining: { state.isDraining })
    let server = channel.server(
        configuration: ServerConfiguration(
            address: .hostname(host, port: port),
            backlog: 1024,
            availableConnectionsDelegate: .maximum(limits.maximumConnections, logger: quiet(logger))
        ),
        onServerRunning: { channel in
            logger.info(
                "listening",
                metadata: [
                    "listener": "\(name)",
                    "address": "\(channel.localAddress?.ipAddress ?? host)",
                    "port": .stringConvertible(channel.localAddress?.port ?? port),
                ]
            )
            onListening()
        },
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: quiet(logger)
    )
    return ListenerService(server: server, host: host, port: port, variable: variable)
}

private func makeLogger(_ configuration: ServiceConfiguration, writer: BufferedLineWriter) -> Logger {
    var logger = Logger(label: BuildInformation.name) { label in
        LineLogHandler(label: label, format: configuration.logFormat, writer: writer)
    }
    logger.logLevel = configuration.logLevel
    return logger
}

/// The same logger for libraries: they tell of routine, and of errors that they throw as well. Debugging shows it all.
private func quiet(_ logger: Logger) -> Logger {
    var logger = logger
    if logger.logLevel > .debug { logger.logLevel = .critical }
    return logger
}
