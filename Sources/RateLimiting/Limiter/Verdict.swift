/// What the limiter says to a request, and what its answer tells the client.
package struct Verdict: Sendable, Hashable {
    /// Yes, not now, or never.
    package typealias Outcome = BucketDecision.Outcome

    /// Whose bucket has decided.
    package enum Mode: String, Sendable, Hashable {
        /// The one that counts: in Redis, or in the only process that there is.
        case global
        /// This process's share, because Redis has not answered.
        case local
    }

    /// Yes, not now, or never.
    package let outcome: Outcome
    /// Tokens that were asked for; taken only if the request is allowed.
    package let cost: Int
    /// Whole tokens left.
    package let remaining: Int
    /// The budget of the policy, whichever bucket has decided.
    package let limit: Int
    /// The window of the policy in seconds.
    package let window: Int
    /// How long until the bucket is full.
    package let resetAfter: Duration
    /// How long until the same cost is admitted, if nothing else is taken meanwhile; nil unless it is refused. Only where a cost exceeds
    /// this process's share, which has decided, it is no more than a time after which to ask again: when Redis is back is not known.
    package let retryAfter: Duration?
    /// Whose bucket has decided.
    package let mode: Mode

    init(_ decision: BucketDecision, cost: Int, policy: TokenBucketPolicy, mode: Mode) {
        outcome = decision.outcome
        self.cost = cost
        remaining = decision.remaining
        limit = policy.budget
        window = policy.window
        resetAfter = .microseconds(decision.resetAfter)
        retryAfter = decision.outcome == .refused ? .microseconds(decision.retryAfter) : nil
        self.mode = mode
    }

    /// Whether the work may be done.
    package var isAllowed: Bool { outcome == .allowed }

    /// ``resetAfter`` in whole seconds, rounded up.
    package var resetSeconds: Int { Self.roundedUp(resetAfter) }

    /// ``retryAfter`` in whole seconds, rounded up, at least 1: less than a second late, never early.
    package var retrySeconds: Int? { retryAfter.map { max(1, Self.roundedUp($0)) } }

    private static func roundedUp(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(seconds) + (attoseconds > 0 ? 1 : 0)
    }
}
