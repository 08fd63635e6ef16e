import HummingbirdCore
package import JSONLogging
import Logging
import NIOCore
import NIOPosix
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
    private let group: ServiceGroup
    private let logger: Logger
    private let logWriter: BufferedLineWriter

    fileprivate init(group: ServiceGroup, logger: Logger, logWriter: BufferedLineWriter) {
        self.group = group
        self.logger = logger
        self.logWriter = logWriter
    }

    /// Serves until SIGTERM or SIGINT, then drains and stops; a second signal ends the process at once.
    ///
    /// - Throws: what keeps the service from starting, such as a port that is taken.
    package func run() async throws {
        FileDescriptorLimit.raise()
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
        for await signal in signals {
            if isStopping {
                logger.warning("second signal, ending at once", metadata: ["signal": "\(signal)"])
                logWriter.flush(within: .milliseconds(200))
                _exit(1)
            }
            isStopping = true
            logger.info("signal received, stopping", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
    }
}

/// Puts the parts together: the one place where concrete types meet.
///
/// - Parameters:
///   - configuration: the validated settings.
///   - logWriter: takes the log lines; shut down when the application has stopped.
package func buildApplication(configuration: ServiceConfiguration, logWriter: BufferedLineWriter)
    -> FibonacciApplication
{
    let logger = makeLogger(label: "fibonacci-api", configuration: configuration, writer: logWriter)
    let started = ContinuousClock.now
    let state = ServiceState()
    let reached: @Sendable (ServiceState.Milestone) -> Void = { milestone in
        guard state.reached(milestone) else { return }
        let elapsed = ContinuousClock.now - started
        logger.info("ready", metadata: ["after_ms": .stringConvertible(elapsed / .milliseconds(1))])
    }

    let pool = ComputePool(threads: configuration.computeThreads, maximumQueueCost: configuration.computeQueueCost)
    let source = FibonacciSource(
        memoryCapacity: configuration.cacheMemoryBytes,
        origin: ComputeOrigin(pool: pool, logger: logger)
    )
    let dates = HTTPDateCache()
    let accessLog = AccessLog(writer: logWriter, format: configuration.logFormat, level: configuration.logLevel)
    let publicResponder = PublicResponder(
        resource: FibonacciResource(maximumIndex: configuration.maximumIndex),
        source: source,
        finisher: ExchangeFinisher(dates: dates, observers: [accessLog], isPublic: true),
        logger: logger
    )
    // Probes come every few seconds and say nothing new: the admin port keeps no access log.
    let adminResponder = AdminResponder(
        state: state,
        finisher: ExchangeFinisher(dates: dates, observers: [], isPublic: false)
    )
    let publicServer = makeServer(
        publicResponder,
        name: "public",
        host: configuration.host,
        port: configuration.port,
        variable: ServiceConfiguration.port.name,
        limits: configuration.connectionLimits,
        state: state,
        logger: logger
    ) { reached(.publicListener) }
    // Nothing on this port waits for a computation, and probes need no more.
    var adminLimits = configuration.connectionLimits
    adminLimits.maximumConnections = min(256, adminLimits.maximumConnections)
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
    var group = ServiceGroupConfiguration(
        services: [
            pool, adminServer, publicServer,
            WarmUpService(source: source) { reached(.warmUp) },
            DrainService(state: state, duration: configuration.shutdownDrain, logger: logger),
        ],
        logger: quiet(logger)
    )
    group.maximumGracefulShutdownDuration = configuration.shutdownDrain + configuration.shutdownTimeout
    return FibonacciApplication(group: ServiceGroup(configuration: group), logger: logger, logWriter: logWriter)
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

private func makeLogger(label: String, configuration: ServiceConfiguration, writer: BufferedLineWriter) -> Logger {
    var logger = Logger(label: label) { label in
        switch configuration.logFormat {
        case .json: JSONLogHandler(label: label, writer: writer)
        case .text: TextLogHandler(label: label, writer: writer)
        }
    }
    logger.logLevel = configuration.logLevel
    return logger
}

/// The same logger for libraries, whose notices of routine are of no use to an operator.
private func quiet(_ logger: Logger) -> Logger {
    var logger = logger
    if logger.logLevel == .info || logger.logLevel == .notice { logger.logLevel = .warning }
    return logger
}
