import JSONLogging
import Logging
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

    let group: ServiceGroup
    /// The longest that the group takes from a signal to its end, unless something does not heed its cancellation.
    let shutdownDeadline: Duration
    let logger: Logger
    let logWriter: BufferedLineWriter

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
