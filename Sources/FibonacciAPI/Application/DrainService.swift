import Logging
import ServiceLifecycle

/// Makes the service unready at shutdown and keeps it serving for a while, so that balancers notice before it is gone.
///
/// Services stop in reverse order: as the last of its group it is the first to be told, and the others wait for it.
struct DrainService: Service {
    let state: ServiceState
    let duration: Duration
    let logger: Logger

    func run() async throws {
        try await gracefulShutdown()
        state.beginDraining()
        logger.info("draining", metadata: ["seconds": "\(duration.components.seconds)"])
        try await Task.sleep(for: duration)
        logger.info("drained, closing listeners")
    }
}
