import DecimalArithmetic
import Fibonacci
package import JSONLogging
import Logging
import NIOPosix
import OTLPTracing
import PrometheusMetrics
import RateLimiting
import ServiceLifecycle

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
    let logger = Logger(configuration, writer: logWriter)
    configuration.warn(logger)
    let started = ContinuousClock.now
    let state = ServiceState()
    let reached: @Sendable (ServiceState.Milestone) -> Void = { milestone in
        guard state.reached(milestone) else { return }
        let elapsed = ContinuousClock.now - started
        logger.info("ready", metadata: ["after_ms": .stringConvertible(elapsed / .milliseconds(1))])
    }

    let metrics = PrometheusRegistry()
    let tracer = try makeTracer(configuration, logger: logger)
    let spans = ChildSpans(tracer: tracer)
    let integrity = IntegrityReporter(logger: logger, registry: metrics)

    // Where numbers come from.
    let computeDurations = ComputeMetrics.durations(in: metrics)
    let pool = ComputePool(
        threads: configuration.computeThreads,
        maximumQueueCost: configuration.computeQueueCost
    ) { computeDurations.observe($0) }
    let computation = ComputeOrigin(
        pool: pool,
        engine: Engine(kernel: configuration.kernel),
        integrity: integrity,
        spans: spans
    )
    let redis = try RedisParts(configuration: configuration, metrics: metrics, spans: spans, logger: logger)
    let source = FibonacciSource(
        memoryCapacity: configuration.cacheMemoryBytes,
        origin: redis.origin(over: computation, integrity: integrity)
    )
    CacheMetrics.observe(source, capacity: configuration.cacheMemoryBytes, in: metrics)
    ComputeMetrics.observe(pool, in: metrics)
    ServiceMetrics.observe(
        state: state,
        logWriter: logWriter,
        kernel: configuration.kernel.name,
        tracer: tracer,
        in: metrics
    )

    // Who is told.
    var observers: [any ExchangeObserver] = []
    if configuration.logLevel <= .info {
        observers.append(AccessLog(writer: logWriter, format: configuration.logFormat))
    }
    if configuration.metricsExporter == .prometheus { observers.append(ExchangeMetrics(registry: metrics)) }

    // Who answers.
    let dates = HTTPDateCache()
    let publicResponder = PublicResponder(
        resource: FibonacciResource(
            maximumIndex: configuration.maximumIndex,
            budget: configuration.rateLimit?.policy.budget
        ),
        source: source,
        admission: Admission(
            identity: ClientIdentity(trusting: configuration.trustedProxies),
            limiter: redis.limiter,
            spans: spans
        ),
        exchanges: ExchangeRunner(
            dates: dates,
            observers: observers,
            tracing: configuration.tracing.isEnabled ? ExchangeTracing(tracer: tracer) : nil,
            isPublic: true,
            logger: logger
        )
    )
    let adminResponder = AdminResponder(
        state: state,
        kernel: configuration.kernel.name,
        redis: redis.cacheClient,
        isSharingServer: redis.isSharingServer,
        limiter: redis.limiter,
        metrics: configuration.metricsExporter == .prometheus ? metrics : nil,
        // Probes and scrapes come every few seconds and say nothing new: the admin port keeps no access log.
        exchanges: ExchangeRunner(dates: dates, observers: [], tracing: nil, isPublic: false, logger: logger)
    )

    // What runs. Stopped in reverse: the drain first, then the listeners while the pool still finishes what is in flight, the tracer last.
    let listeners = Listeners(configuration: configuration, state: state, logger: logger)
    let limiterState = redis.limiterState(logger: logger) { reached(.rateLimiter) }
    if limiterState == nil { reached(.rateLimiter) }
    let services: [(any Service)?] =
        [tracer] + redis.services + [
            pool,
            EventLoopLagService(group: MultiThreadedEventLoopGroup.singleton, registry: metrics),
            listeners.adminServer(adminResponder) { reached(.adminListener) },
            listeners.publicServer(publicResponder) { reached(.publicListener) },
            WarmUpService(source: source, origin: computation, client: redis.cacheClient, tier: redis.tier) {
                reached(.warmUp)
            },
            limiterState,
            DrainService(state: state, duration: configuration.shutdownDrain, logger: logger),
        ]
    var group = ServiceGroupConfiguration(services: services.compactMap(\.self), logger: logger.forLibraries)
    let deadline = configuration.shutdownDrain + configuration.shutdownTimeout
    group.maximumGracefulShutdownDuration = deadline
    return FibonacciApplication(
        group: ServiceGroup(configuration: group),
        shutdownDeadline: deadline,
        logger: logger,
        logWriter: logWriter
    )
}

private func makeTracer(_ configuration: ServiceConfiguration, logger: Logger) throws -> OTLPTracer {
    do throws(OTLPConfigurationError) {
        return try OTLPTracer(
            configuration: configuration.tracing,
            logger: logger,
            shutdownTimeout: TelemetrySettings.shutdownTimeout
        )
    } catch {
        throw TelemetrySettings.configurationError(error)
    }
}
