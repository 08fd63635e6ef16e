import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The two ports.
struct Listeners {
    let state: ServiceState
    let logger: Logger
    private let publicLimits: ConnectionLimits
    private let adminLimits: ConnectionLimits
    private let configuration: ServiceConfiguration

    /// Shares the descriptors that the system grants among the ports, and says so where they are too few.
    init(configuration: ServiceConfiguration, state: ServiceState, logger: Logger) {
        self.configuration = configuration
        self.state = state
        self.logger = logger
        let wanted = configuration.connectionLimits.maximumConnections
        let shares = ConnectionShares(wanted: wanted, limit: FileDescriptorLimit.raise())
        if shares.publicCap < wanted {
            logger.warning(
                "fewer connections than HTTP_MAX_CONNECTIONS: the limit of open files is too low (ulimit -n)",
                metadata: ["wanted": "\(wanted)", "cap": "\(shares.publicCap)"]
            )
        }
        var limits = configuration.connectionLimits
        limits.maximumConnections = shares.publicCap
        publicLimits = limits
        limits.maximumConnections = shares.adminCap
        adminLimits = limits
    }

    /// The port for callers.
    func publicServer(_ responder: PublicResponder, onListening: @escaping @Sendable () -> Void) -> any Service {
        server(
            responder,
            name: "public",
            port: configuration.port,
            variable: ServiceConfiguration.port.name,
            limits: publicLimits,
            onListening: onListening
        )
    }

    /// The port for probes and operators.
    func adminServer(_ responder: AdminResponder, onListening: @escaping @Sendable () -> Void) -> any Service {
        server(
            responder,
            name: "admin",
            port: configuration.adminPort,
            variable: ServiceConfiguration.adminPort.name,
            limits: adminLimits,
            onListening: onListening
        )
    }

    private func server(
        _ responder: some HTTPResponder,
        name: String,
        port: Int,
        variable: String,
        limits: ConnectionLimits,
        onListening: @escaping @Sendable () -> Void
    ) -> any Service {
        let channel = HTTP1ServerChannel(
            limits: limits,
            responder: responder,
            isDraining: { [state] in state.isDraining }
        )
        let (host, logger) = (configuration.host, logger)
        let server = channel.server(
            configuration: ServerConfiguration(
                address: .hostname(host, port: port),
                backlog: 1024,
                availableConnectionsDelegate: .maximum(limits.maximumConnections, logger: logger.forLibraries)
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
            logger: logger.forLibraries
        )
        return ListenerService(server: server, host: host, port: port, variable: variable)
    }
}
