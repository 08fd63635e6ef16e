package import Logging
package import NIOCore
package import RESP
internal import ServiceLifecycle

/// A client of one Redis server. Calls from any task share its few connections.
///
/// As a service it runs without Redis, too: calls then fail at once, and it connects by itself when Redis is there. After a
/// graceful shutdown has begun, no calls are taken; replies that are owed are waited for.
package final class RedisStandaloneClient: RedisCommanding, Service {
    private let configuration: RedisConfiguration
    private let observer: (any RedisObserver)?
    private let reporter: StateReporter
    private let node: RedisNode

    /// A client that connects when ``run()`` is called.
    ///
    /// - Throws: what is wrong with the configuration, the files for TLS included.
    package init(
        configuration: RedisConfiguration,
        group: any EventLoopGroup,
        logger: Logger,
        observer: (any RedisObserver)? = nil
    ) throws(RedisConfigurationError) {
        try configuration.validate()
        if let tls = configuration.tls { _ = try RedisTLSContext(tls) }
        let reporter = StateReporter(logger: logger, observer: observer)
        let source = NodeReference()
        let node = RedisNode(
            endpoint: configuration.endpoint,
            configuration: configuration,
            group: group,
            observer: observer
        ) {
            reporter.update { source.node?.state ?? RedisState(.starting) }
        }
        source.set(node)
        self.configuration = configuration
        self.observer = observer
        self.reporter = reporter
        self.node = node
    }

    /// How the client stands at this moment.
    package var state: RedisState { reporter.current }

    /// Commands that wait for replies.
    package var inFlightCount: Int { node.inFlightCount }

    /// Calls `listener` once for each change of state, in order, on any thread; it must not block.
    package func onStateChange(_ listener: @escaping @Sendable (RedisState) -> Void) {
        reporter.addListener(listener)
    }

    /// Keeps the connections up until graceful shutdown or cancellation. Never throws.
    package func run() async {
        await cancelWhenGracefulShutdown { [node] in await node.run() }
    }

    /// Sends commands together and gives a result for each, in order.
    package func perform(_ commands: [RedisCommand], timeout: Duration?) async -> [Result<RESPValue, RedisError>] {
        guard !commands.isEmpty else { return [] }
        let start = NIODeadline.now()
        let outcome: PendingCall.Outcome
        if commands.count > configuration.limits.pipelineCommands {
            outcome = .failure(RedisError.pipelineTooLong(commands.count, configuration.limits))
        } else {
            let deadline = start + TimeAmount(timeout ?? configuration.timeouts.command)
            outcome = await node.perform(commands, deadline: deadline)
        }
        let results = outcome.results(of: commands, endpoint: node.endpoint)
        observer?.callEnded(commands, results, since: start, endpoint: node.endpoint)
        return results
    }
}
