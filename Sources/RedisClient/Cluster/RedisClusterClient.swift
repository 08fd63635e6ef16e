package import Logging
package import NIOCore
package import RESP
internal import ServiceLifecycle

/// A client of a Redis cluster: each command goes to the master of its keys' slot.
///
/// It learns of the cluster from the node that the configuration names, and after that from any node. It follows redirections,
/// and looks at the topology again after each hint at a change and from time to time.
package final class RedisClusterClient: RedisCommanding, Service {
    let configuration: RedisConfiguration
    let registry: ClusterRegistry
    let group: any EventLoopGroup
    let refreshSignal: AsyncStream<Void>
    let refreshRequester: AsyncStream<Void>.Continuation
    private let observer: (any RedisObserver)?
    private let reporter: StateReporter

    /// A client that connects when ``run()`` is called.
    ///
    /// - Throws: what is wrong with the configuration, the files for TLS included.
    package init(
        configuration: RedisConfiguration,
        group: any EventLoopGroup,
        logger: Logger,
        observer: (any RedisObserver)? = nil
    ) throws(RedisConfigurationError) {
        var configuration = configuration
        configuration.isCluster = true
        try configuration.validate()
        if let tls = configuration.tls { _ = try RedisTLSContext(tls) }
        self.configuration = configuration
        self.group = group
        self.observer = observer
        reporter = StateReporter(logger: logger, observer: observer)
        registry = ClusterRegistry(
            configuration: configuration,
            group: group,
            reporter: reporter,
            observer: observer
        )
        (refreshSignal, refreshRequester) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How the cluster stands at this moment.
    package var state: RedisState { reporter.current }

    /// Commands that wait for replies at any node.
    package var inFlightCount: Int { registry.inFlightCount }

    /// Calls `listener` once for each change of state, in order, on any thread; it must not block.
    package func onStateChange(_ listener: @escaping @Sendable (RedisState) -> Void) {
        reporter.addListener(listener)
    }

    /// Keeps connections to all masters up until graceful shutdown or cancellation. Never throws.
    package func run() async {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { await self.watchTopology() }
                for await node in registry.newNodes { group.addTask { await node.run() } }
                registry.stop()
                group.cancelAll()
            }
        }
    }

    /// Sends commands, those for one node together, and gives a result for each, in order.
    package func perform(_ commands: [RedisCommand], timeout: Duration?) async -> [Result<RESPValue, RedisError>] {
        guard !commands.isEmpty else { return [] }
        let start = NIODeadline.now()
        let deadline = start + TimeAmount(timeout ?? configuration.timeouts.command)
        let results: [Result<RESPValue, RedisError>]
        if commands.count > configuration.limits.pipelineCommands {
            let error = RedisError.pipelineTooLong(commands.count, configuration.limits)
            results = PendingCall.Outcome.failure(error).results(of: commands, endpoint: nil)
        } else if commands.count == 1 {
            results = [await route(commands[0], deadline: deadline)]
        } else {
            results = await route(commands, deadline: deadline)
        }
        observer?.callEnded(commands, results, since: start, endpoint: nil)
        return results
    }
}
