internal import NIOCore
internal import RESP
internal import Synchronization

/// One server: its connections, its circuit breaker and what is known of its health.
///
/// The lock guards what calls read and connections write: calls come from any thread and must not wait for an event loop
/// to learn that there is no connection.
final class RedisNode: Sendable {
    let endpoint: RedisEndpoint
    let configuration: RedisConfiguration
    let connector: RedisConnector
    let observer: (any RedisObserver)?
    private let onHealthChange: @Sendable () -> Void
    private let shared: Mutex<RedisNodeState>
    /// Finished when the node is to stop.
    let stopSignal: AsyncStream<Void>
    let stopper: AsyncStream<Void>.Continuation
    /// Says that the circuit has opened.
    let probeSignal: AsyncStream<Void>
    let probeRequester: AsyncStream<Void>.Continuation

    /// - Parameter onHealthChange: called after each change of ``state``, without a lock held.
    init(
        endpoint: RedisEndpoint,
        configuration: RedisConfiguration,
        group: any EventLoopGroup,
        observer: (any RedisObserver)?,
        onHealthChange: @escaping @Sendable () -> Void
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.observer = observer
        self.onHealthChange = onHealthChange
        connector = RedisConnector(configuration: configuration, endpoint: endpoint, group: group)
        shared = Mutex(
            RedisNodeState(
                connectionCount: configuration.connectionCount,
                breaker: CircuitBreaker(policy: configuration.breaker)
            )
        )
        (stopSignal, stopper) = AsyncStream.makeStream()
        (probeSignal, probeRequester) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How the server stands.
    var state: RedisState { shared.withLock { $0.health.state } }

    /// Whether a call would be sent.
    var isAvailable: Bool {
        shared.withLock { $0.breaker.isClosed && $0.openCount > 0 }
    }

    /// Commands that wait for replies.
    var inFlightCount: Int { shared.withLock { $0.inFlightCount } }

    // MARK: Calls

    /// Sends commands on one connection. Error replies are among the values.
    func perform(
        _ commands: [RedisCommand],
        isAsking: Bool = false,
        deadline: NIODeadline
    ) async -> PendingCall.Outcome {
        let connection: RedisConnection
        switch admit() {
        case .success(let admitted): connection = admitted
        case .failure(let error): return .failure(error)
        }
        let call = PendingCall(commands, isAsking: isAsking, deadline: deadline)
        let outcome = await connection.perform(call)
        observer?.queueDepthObserved(connection.inFlightCount, endpoint: endpoint)
        settle(outcome, of: commands, on: connection)
        return outcome
    }

    private func admit() -> Result<RedisConnection, RedisError> {
        shared.withLock { shared in
            guard !shared.isStopped else { return .failure(refusal(.shutDown, "the client is shut down")) }
            guard let connection = shared.nextOpenConnection() else {
                let reason = shared.health.state.reason ?? "no attempt to connect has ended yet"
                return .failure(refusal(.notConnected, "not sent, no connection: \(reason)"))
            }
            guard shared.breaker.isClosed else {
                let reason = shared.health.state.reason ?? "it fails"
                return .failure(refusal(.circuitOpen, "not sent, the circuit is open: \(reason)"))
            }
            return .success(connection)
        }
    }

    private func refusal(_ code: RedisError.Code, _ message: String) -> RedisError {
        RedisError(code, message, endpoint: endpoint)
    }

    private func settle(_ outcome: PendingCall.Outcome, of commands: [RedisCommand], on connection: RedisConnection) {
        let now = NIODeadline.now()
        let verdict = CallVerdict(outcome, of: commands)
        if verdict.callsForReconnect { connection.retire() }
        update { shared in
            if let isSuccess = verdict.isSuccess, shared.breaker.record(success: isSuccess, at: now) {
                shared.health.circuitOpened(verdict.reason ?? "calls fail")
                probeRequester.yield()
            }
            if let outage = verdict.clusterOutage {
                shared.health.clusterWentDown(outage)
            } else if verdict.hasServedKey {
                shared.health.clusterServes()
            }
            if let refusal = verdict.writeRefusal {
                shared.health.writeRefused(refusal, at: now)
            } else if verdict.hasWritten {
                shared.health.writeSucceeded(at: now)
            }
        }
    }

    // MARK: What the supervisors report

    /// Puts a new connection in its place.
    ///
    /// - Returns: whether it is wanted; a stopped node wants none.
    func install(_ connection: RedisConnection, at slot: Int) -> Bool {
        let now = NIODeadline.now()
        let isWanted = update { shared in
            guard !shared.isStopped else { return false }
            shared.connections[slot] = connection
            shared.health.connectionsChanged(open: shared.openCount)
            // The handshake ends with a `PING`: a new connection is as good as a probe.
            if shared.breaker.probeEnded(success: true, at: now) { shared.health.circuitClosed() }
            return true
        }
        if isWanted { observer?.connectionOpened(endpoint: endpoint) }
        return isWanted
    }

    /// A connection is gone or could not be made.
    func connectionFailed(at slot: Int, _ error: RedisError) {
        update { shared in
            if let connection = shared.connections[slot], !connection.isOpen { shared.connections[slot] = nil }
            shared.health.connectionFailed(error.description)
            shared.health.connectionsChanged(open: shared.openCount)
        }
        observer?.connectionFailed(endpoint: endpoint, error: error)
    }

    /// Takes no more calls.
    func markStopped() {
        shared.withLock { $0.isStopped = true }
        stopper.finish()
    }

    // MARK: Probes

    /// When the next probe is due; nil while the circuit is closed.
    var probeTime: NIODeadline? {
        shared.withLock { shared in
            switch shared.breaker.state {
            case .open(let until): until
            case .closed, .halfOpen: nil
            }
        }
    }

    /// Sends a `PING` past the open circuit if it is due, and opens or closes the circuit by its outcome.
    func probe() async {
        let connection = shared.withLock { shared -> RedisConnection?? in
            guard shared.breaker.beginProbe(at: .now()) else { return .none }
            return .some(shared.nextOpenConnection())
        }
        guard let connection else { return }
        var isSuccess = false
        if let connection {
            // A server that is slower than callers wait does not serve them.
            let patience = configuration.timeouts.command
            let call = PendingCall([.ping], deadline: .now() + TimeAmount(patience))
            isSuccess = CallVerdict(await connection.perform(call), of: call.commands).isSuccess == true
        }
        let now = NIODeadline.now()
        update { shared in
            if shared.breaker.probeEnded(success: isSuccess, at: now) { shared.health.circuitClosed() }
        }
    }

    @discardableResult
    private func update<R: Sendable>(_ body: (inout sending RedisNodeState) -> sending R) -> R {
        let (result, isChange) = shared.withLock { shared in
            let before = shared.health.state
            let result = body(&shared)
            return (result, before != shared.health.state)
        }
        if isChange { onHealthChange() }
        return result
    }
}
