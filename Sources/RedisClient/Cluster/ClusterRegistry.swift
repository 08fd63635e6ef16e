internal import NIOCore
internal import Synchronization

/// The nodes of a cluster and the slots that they serve.
///
/// The lock guards what calls read and the look at the topology writes. While it is held, nodes' locks may be taken, never the
/// other way round.
final class ClusterRegistry: Sendable {
    private struct Storage {
        var nodes: [RedisEndpoint: RedisNode] = [:]
        var map: SlotMap?
        var masters: Set<RedisEndpoint> = []
        /// When redirections last led to nodes. These may not serve any slot yet, and are not listed as masters then.
        var redirections: [RedisEndpoint: NIODeadline] = [:]
        var failure: String?
        /// Whether the first attempts to connect to all masters have ended.
        var hasStarted = false
        var isStopped = false
    }

    /// How long a node that no slot belongs to is kept after a redirection to it.
    private static let redirectionHold = TimeAmount.seconds(30)

    /// Nodes that somebody has to run.
    let newNodes: AsyncStream<RedisNode>
    private let newNodeSource: AsyncStream<RedisNode>.Continuation
    private let configuration: RedisConfiguration
    private let group: any EventLoopGroup
    private let reporter: StateReporter
    private let observer: (any RedisObserver)?
    private let storage = Mutex(Storage())

    init(
        configuration: RedisConfiguration,
        group: any EventLoopGroup,
        reporter: StateReporter,
        observer: (any RedisObserver)?
    ) {
        self.configuration = configuration
        self.group = group
        self.reporter = reporter
        self.observer = observer
        (newNodes, newNodeSource) = AsyncStream.makeStream()
    }

    /// Commands that wait for replies at any node.
    var inFlightCount: Int { storage.withLock { $0.nodes.values.reduce(0) { $0 + $1.inFlightCount } } }

    /// Endpoints of all nodes that are connected to, for tests and for people.
    var endpoints: Set<RedisEndpoint> { storage.withLock { Set($0.nodes.keys) } }

    // MARK: Where to send

    /// The node at `endpoint`, which is connected to from now on if it was not.
    ///
    /// - Parameter isRedirection: whether another node named it.
    /// - Throws: that the client is shut down, or that there are too many nodes.
    func node(at endpoint: RedisEndpoint, isRedirection: Bool = false) throws(RedisError) -> RedisNode {
        let result: Result<RedisNode, RedisError> = storage.withLock { storage in
            guard !storage.isStopped else {
                return .failure(RedisError(.shutDown, "the client is shut down", endpoint: endpoint))
            }
            if let node = storage.nodes[endpoint] {
                if isRedirection { storage.redirections[endpoint] = .now() }
                return .success(node)
            }
            guard storage.nodes.count < configuration.limits.clusterNodes else {
                let limit = configuration.limits.clusterNodes
                return .failure(
                    RedisError(.notConnected, "not sent: \(limit) nodes, which is the limit", endpoint: endpoint)
                )
            }
            let node = makeNode(endpoint)
            storage.nodes[endpoint] = node
            if isRedirection { storage.redirections[endpoint] = .now() }
            return .success(node)
        }
        return try result.get()
    }

    /// Who serves `slot`, if that is known; for commands without keys any master that is up.
    func target(slot: Int?) -> RedisEndpoint? {
        storage.withLock { storage in
            if let slot { return storage.map?[slot] }
            let up = storage.masters.filter { storage.nodes[$0]?.isAvailable == true }
            return up.randomElement() ?? storage.masters.randomElement()
        }
    }

    /// A node said that a slot has moved.
    func apply(_ move: ClusterJourney.Move) {
        storage.withLock { $0.map?.move(move.slot, to: move.endpoint) }
    }

    // MARK: What the cluster looks like

    /// Whom to ask for the topology: first nodes that are up, the seed last.
    func candidates() -> [RedisNode] {
        let seed = try? node(at: configuration.endpoint)
        let up = storage.withLock { storage in
            storage.nodes.values.filter { $0.isAvailable && $0.endpoint != configuration.endpoint }
        }
        return up.shuffled() + (seed.map { [$0] } ?? [])
    }

    /// Whether an attempt to connect to the node that the configuration names has failed.
    var seedHasFailed: Bool {
        storage.withLock { $0.nodes[configuration.endpoint]?.state.level == .down }
    }

    /// Connects to masters that are new and leaves nodes that are no masters any more, the seed excepted.
    func apply(_ topology: ClusterTopology) {
        let masters = Set(topology.masters.sorted().prefix(configuration.limits.clusterNodes - 1))
        let gone: [RedisNode] = storage.withLock { storage in
            guard !storage.isStopped else { return [] }
            storage.map = SlotMap(topology)
            storage.masters = masters
            storage.failure = nil
            let heldSince = NIODeadline.now() - Self.redirectionHold
            storage.redirections = storage.redirections.filter { $0.value > heldSince }
            let wanted = masters.union(storage.redirections.keys).union([configuration.endpoint])
            let gone = storage.nodes.filter { !wanted.contains($0.key) }
            for endpoint in gone.keys { storage.nodes[endpoint] = nil }
            for endpoint in masters where storage.nodes[endpoint] == nil {
                storage.nodes[endpoint] = makeNode(endpoint)
            }
            return Array(gone.values)
        }
        for node in gone { node.markStopped() }
        reportState()
    }

    /// No node gave a topology.
    func discoveryFailed(_ reason: String) {
        storage.withLock { $0.failure = reason }
        reportState()
    }

    /// Takes no calls any more.
    func stop() {
        storage.withLock { $0.isStopped = true }
        newNodeSource.finish()
    }

    private func makeNode(_ endpoint: RedisEndpoint) -> RedisNode {
        let node = RedisNode(
            endpoint: endpoint,
            configuration: configuration,
            group: group,
            observer: observer
        ) { [weak self] in
            self?.reportState()
        }
        newNodeSource.yield(node)
        return node
    }

    private func reportState() {
        reporter.update { state }
    }

    private var state: RedisState {
        storage.withLock { storage in
            guard let map = storage.map else {
                return storage.failure.map { RedisState(.down, reason: $0) } ?? RedisState(.starting)
            }
            let masters = storage.masters.map { storage.nodes[$0]?.state ?? RedisState(.starting) }
            // Sooner, commands would find some masters without a connection. Later, a new master does not count against the rest.
            storage.hasStarted = storage.hasStarted || masters.allSatisfy { $0.level != .starting }
            guard storage.hasStarted else { return RedisState(.starting) }
            return ClusterHealth.state(masters: masters, uncoveredCount: map.uncoveredCount)
        }
    }
}
