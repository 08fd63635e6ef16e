/// The way of one command through a cluster, as a pure value: what to do after each attempt.
///
/// Only what a node has refused is sent again. What may have been carried out is not.
struct ClusterJourney: Sendable {
    /// How an attempt ended.
    enum Outcome: Equatable {
        case value
        case refused(RedisReplyCode)
        case failed(RedisError.Code)
    }

    /// What to do next.
    enum Step: Equatable {
        /// This was the last attempt: its outcome is the command's.
        case finish
        /// Send the command again, to this node, after this time.
        case resend(target: RedisEndpoint, isAsking: Bool, wait: Duration)
        /// There have been too many attempts.
        case giveUp
    }

    /// What an attempt taught.
    struct Decision: Equatable {
        var step: Step
        /// A slot's new master.
        var move: Move?
        /// Whether the slots have to be looked at again.
        var needsRefresh = false
    }

    struct Move: Equatable {
        var slot: Int
        var endpoint: RedisEndpoint
    }

    private static let firstWait = Duration.milliseconds(2)
    private static let longestWait = Duration.milliseconds(100)

    private let maximumAttempts: Int
    private var attempts = 0
    private var waits = 0
    /// Where a redirection led; a node there may be new, and its connection not yet up.
    private var redirection: (endpoint: RedisEndpoint, isAsking: Bool)?

    init(maximumAttempts: Int) {
        self.maximumAttempts = maximumAttempts
    }

    /// Judges an attempt.
    ///
    /// - Parameter endpoint: the node that it went to.
    mutating func next(after outcome: Outcome, at endpoint: RedisEndpoint) -> Decision {
        // An attempt that met no connection was none; the deadline bounds these.
        if outcome != .failed(.notConnected) { attempts += 1 }
        var decision = judge(outcome, endpoint)
        if decision.step != .finish, attempts >= maximumAttempts { decision.step = .giveUp }
        return decision
    }

    private mutating func judge(_ outcome: Outcome, _ endpoint: RedisEndpoint) -> Decision {
        switch outcome {
        case .value:
            return Decision(step: .finish)
        case .refused(.moved(let slot, let location)):
            guard let target = RedisEndpoint(redirection: location, fallbackHost: endpoint.host) else {
                return Decision(step: .finish, needsRefresh: true)
            }
            redirection = (target, false)
            return Decision(
                step: .resend(target: target, isAsking: false, wait: .zero),
                move: Move(slot: slot, endpoint: target),
                needsRefresh: true
            )
        case .refused(.ask(_, let location)):
            // The slot still belongs to the node that said so: the map stays as it is.
            guard let target = RedisEndpoint(redirection: location, fallbackHost: endpoint.host) else {
                return Decision(step: .finish)
            }
            redirection = (target, true)
            return Decision(step: .resend(target: target, isAsking: true, wait: .zero))
        case .refused(.tryAgain):
            return Decision(
                step: .resend(target: endpoint, isAsking: redirection?.isAsking ?? false, wait: nextWait())
            )
        case .refused(.clusterDown), .refused(.readOnly), .refused(.masterDown):
            // A failover takes longer than a caller waits.
            return Decision(step: .finish, needsRefresh: true)
        case .refused:
            return Decision(step: .finish)
        case .failed(.notConnected) where redirection?.endpoint == endpoint:
            return Decision(
                step: .resend(target: endpoint, isAsking: redirection?.isAsking ?? false, wait: nextWait()),
                needsRefresh: true
            )
        case .failed(let code):
            return Decision(step: .finish, needsRefresh: Self.hintsAtChange(code))
        }
    }

    private mutating func nextWait() -> Duration {
        defer { waits += 1 }
        return min(Self.firstWait * (1 << min(waits, 20)), Self.longestWait)
    }

    private static func hintsAtChange(_ code: RedisError.Code) -> Bool {
        switch code {
        case .notConnected, .circuitOpen, .timeout, .connectionClosed, .connectFailed, .shutDown: true
        default: false
        }
    }
}
