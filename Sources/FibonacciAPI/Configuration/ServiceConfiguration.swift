package import Configuration
package import DecimalArithmetic
import Fibonacci
package import JSONLogging
package import Logging
import NIOCore
package import OTLPTracing
package import RateLimiting
package import RedisClient

/// Everything that can be set from outside, validated.
package struct ServiceConfiguration: Sendable {
    /// The address that both ports listen on.
    package var host: String
    /// The public port; 0 takes a free one.
    package var port: Int
    /// The port for probes and operators; 0 takes a free one.
    package var adminPort: Int
    /// The largest index that is answered.
    package var maximumIndex: Int
    /// The hard bound of the memory tier in bytes.
    package var cacheMemoryBytes: Int
    /// How to reach Redis; nil: not at all.
    package var redis: RedisConfiguration?
    /// After how many seconds values in Redis go away.
    package var cacheSecondsToLive: Int
    /// The most digits of a number that is stored in Redis.
    package var cacheLargestValue: Int
    /// What clients may spend; nil: as much as they like.
    package var rateLimit: RateLimitConfiguration?
    /// Whose word is taken for whom they forward.
    package var trustedProxies: TrustedProxies
    /// The number of threads for heavy computations.
    package var computeThreads: Int
    /// The inner loops of large products.
    package var kernel: TransformKernel
    /// The most cost, in tokens, that may wait for those threads.
    package var computeQueueCost: Int
    /// How long the service keeps serving after it was told to stop.
    package var shutdownDrain: Duration
    /// The longest wait after the drain for what is in flight.
    package var shutdownTimeout: Duration
    /// How metrics leave the process.
    package var metricsExporter: TelemetrySettings.MetricsExporter
    /// Which requests are traced, and where spans go.
    package var tracing: OTLPTracingConfiguration
    /// The limits on what clients control.
    package var connectionLimits: ConnectionLimits
    /// The least severe level that is logged.
    package var logLevel: Logger.Level
    /// How log lines are written.
    package var logFormat: LineFormat

    /// Reads and validates every setting.
    ///
    /// - Throws: ``ConfigurationError`` for the first malformed one.
    package init(reader: ConfigReader) throws {
        host = try Self.host.value(from: reader)
        port = try Self.port.value(from: reader)
        adminPort = try Self.adminPort.value(from: reader)
        maximumIndex = try Self.maximumIndex.value(from: reader)
        cacheMemoryBytes = try Self.cacheMemoryBytes.value(from: reader)
        redis = try RedisSettings.cache.configuration(from: reader)
        let rateLimitRedis = try RedisSettings.rateLimit.configuration(from: reader)
        try RedisConnectionSettings.validate(for: [redis, rateLimitRedis], from: reader)
        rateLimit = try RateLimitSettings.policy(from: reader).map { [redis] policy in
            RateLimitConfiguration(
                policy: policy,
                redis: rateLimitRedis ?? redis,
                isSharingCache: rateLimitRedis == nil && redis != nil
            )
        }
        trustedProxies = try RateLimitSettings.proxies(from: reader)
        cacheSecondsToLive = try Self.cacheSecondsToLive.value(from: reader)
        cacheLargestValue = try Self.cacheLargestValue.value(from: reader)
        computeThreads = try Self.computeThreads.value(from: reader)
        kernel = try Self.kernel.value(from: reader)
        computeQueueCost = try Self.computeQueueCost.value(from: reader)
        shutdownDrain = .seconds(try Self.shutdownDrain.value(from: reader))
        shutdownTimeout = .seconds(try Self.shutdownTimeout.value(from: reader))
        metricsExporter = try TelemetrySettings.metricsExporter.value(from: reader)
        tracing = try TelemetrySettings.configuration(from: reader)
        connectionLimits = ConnectionLimits()
        connectionLimits.maximumConnections = try Self.maximumConnections.value(from: reader)
        connectionLimits.idleTimeout = .seconds(try Self.idleTimeout.value(from: reader))
        connectionLimits.requestTimeout = .seconds(try Self.requestTimeout.value(from: reader))
        connectionLimits.writeTimeout = .seconds(try Self.writeTimeout.value(from: reader))
        logLevel = try Self.logLevel.value(from: reader)
        logFormat = try Self.logFormat.value(from: reader)
        if port != 0, port == adminPort {
            throw ConfigurationError(
                variable: Self.adminPort.name,
                value: "\(adminPort)",
                expectation: "another port than PORT, which is \(port)"
            )
        }
    }
}

extension ServiceConfiguration {
    /// `HOST`.
    package static let host = Setting(
        "HOST",
        default: "0.0.0.0",
        expecting: "an address or a host name",
        "address to listen on, for both ports"
    ) { $0.isEmpty || $0.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) ? nil : $0 }

    /// `PORT`.
    package static let port = Setting.integer("PORT", default: 8000, in: 0...65535, "public port, 0 takes a free one")

    /// `ADMIN_PORT`.
    package static let adminPort = Setting.integer(
        "ADMIN_PORT",
        default: 9464,
        in: 0...65535,
        "port for probes and operators, 0 takes a free one"
    )

    /// `FIB_MAX_N`.
    package static let maximumIndex = Setting.integer(
        "FIB_MAX_N",
        default: 10_000_000,
        in: 0...1_000_000_000,
        "largest n that is answered"
    )

    /// `CACHE_MEMORY_BYTES`.
    package static let cacheMemoryBytes = Setting.integer(
        "CACHE_MEMORY_BYTES",
        default: 64 << 20,
        in: 0...(1 << 40),
        "hard bound of the memory cache"
    )

    /// `CACHE_TTL_SECONDS`.
    package static let cacheSecondsToLive = Setting.integer(
        "CACHE_TTL_SECONDS",
        default: 86_400,
        in: 1...31_536_000,
        "seconds until a value in Redis goes away"
    )

    /// `CACHE_MAX_VALUE_BYTES`.
    package static let cacheLargestValue = Setting.integer(
        "CACHE_MAX_VALUE_BYTES",
        default: 1 << 20,
        in: 0...(256 << 20),
        "larger values are not stored in Redis"
    )

    /// `COMPUTE_THREADS`.
    package static let computeThreads = Setting.integer(
        "COMPUTE_THREADS",
        default: System.coreCount,
        shownAs: "cores",
        in: 1...1024,
        "threads for heavy computations"
    )

    /// `COMPUTE_QUEUE_COST`.
    package static let computeQueueCost = Setting.integer(
        "COMPUTE_QUEUE_COST",
        default: 4000,
        in: 1...1_000_000_000,
        "most cost, in tokens, that may wait for those threads"
    )

    /// `ARITHMETIC_KERNEL`.
    package static let kernel = Setting<TransformKernel>(
        "ARITHMETIC_KERNEL",
        default: .fastest,
        shownAs: "auto",
        expecting: "one of auto, baseline, avx2, avx512, as far as the processor has them",
        "instructions for large products"
    ) { text in
        switch text {
        case "auto": .fastest
        case "baseline": .baseline
        default: TransformKernel.available.first { $0.name == text }
        }
    }

    /// `SHUTDOWN_DRAIN_SECONDS`.
    package static let shutdownDrain = Setting.integer(
        "SHUTDOWN_DRAIN_SECONDS",
        default: 5,
        in: 0...3600,
        "not ready but still serving, before the listeners close"
    )

    /// `SHUTDOWN_TIMEOUT_SECONDS`.
    package static let shutdownTimeout = Setting.integer(
        "SHUTDOWN_TIMEOUT_SECONDS",
        default: 20,
        in: 1...3600,
        "longest wait after the drain for what is in flight"
    )

    /// `HTTP_MAX_CONNECTIONS`.
    package static let maximumConnections = Setting.integer(
        "HTTP_MAX_CONNECTIONS",
        default: 8192,
        in: 1...1_000_000,
        "open connections; further ones wait to be accepted"
    )

    /// `HTTP_IDLE_TIMEOUT_SECONDS`.
    package static let idleTimeout = Setting.integer(
        "HTTP_IDLE_TIMEOUT_SECONDS",
        default: 75,
        in: 1...86400,
        "a connection without a request is closed after this"
    )

    /// `HTTP_REQUEST_TIMEOUT_SECONDS`.
    package static let requestTimeout = Setting.integer(
        "HTTP_REQUEST_TIMEOUT_SECONDS",
        default: 10,
        in: 1...86400,
        "first byte to end of the header section, and again for the body"
    )

    /// `HTTP_WRITE_TIMEOUT_SECONDS`.
    package static let writeTimeout = Setting.integer(
        "HTTP_WRITE_TIMEOUT_SECONDS",
        default: 30,
        in: 1...86400,
        "a client that takes nothing of its answer for this long is cut off"
    )

    /// `LOG_LEVEL`.
    package static let logLevel = Setting<Logger.Level>.choice(
        "LOG_LEVEL",
        default: .info,
        "least severe level that is logged"
    )

    /// `LOG_FORMAT`.
    package static let logFormat = Setting<LineFormat>.choice(
        "LOG_FORMAT",
        default: .json,
        "`json` for machines, `text` for people"
    )

    /// Every setting, in the order of the documentation.
    package static var settings: [SettingDescription] {
        [
            host.description, port.description, adminPort.description, maximumIndex.description,
            cacheMemoryBytes.description, cacheSecondsToLive.description, cacheLargestValue.description,
        ] + RedisSettings.cache.descriptions + RedisConnectionSettings.descriptions + RateLimitSettings.descriptions + [
            computeThreads.description, computeQueueCost.description, kernel.description,
            shutdownDrain.description, shutdownTimeout.description, maximumConnections.description,
            idleTimeout.description, requestTimeout.description, writeTimeout.description, logLevel.description,
            logFormat.description,
        ] + TelemetrySettings.descriptions
    }
}

extension ServiceConfiguration {
    /// Tells of settings that are each right, but probably not meant together.
    func warn(_ logger: Logger) {
        if let budget = rateLimit?.policy.budget, Fibonacci.cost(at: maximumIndex) > budget {
            logger.warning(
                "the largest n are never admitted: they cost more than RATE_LIMIT_BUDGET",
                metadata: [
                    "budget": .stringConvertible(budget),
                    "cost_of_largest": .stringConvertible(Fibonacci.cost(at: maximumIndex)),
                ]
            )
        }
    }
}
