/// The token bucket in the form of the generic cell rate algorithm (ITU-T I.371, annex A): all that is kept of a bucket is its
/// *theoretical arrival time*, when it will be full again.
///
/// With E = window / budget, the time that a token takes, a bucket holds (window − (TAT − now)) / E tokens, and taking some moves TAT by
/// as many E. It is admitted if TAT then is no later than now + window. All of it is exact: see ``BucketTime``.
///
/// Guarantees, for any times that are handed in:
/// - What is admitted between two calls is at most budget + elapsed / E.
/// - A client that never asks for more than its bucket holds, which one at a pace of E per token never does, is admitted.
/// - A clock that steps back gives nothing: TAT stays, and until the clock has caught up nothing is earned. Only a step of more than a
///   window, which a wrong clock or a shorter window in the configuration make, is not waited for: the bucket then counts as empty from now
///   on, and still no more is admitted than budget + (all that the clock went *forward*) / E.
/// - Nothing overflows: times are clamped to 0 … 2^52 µs (142 years), windows are at most 2^45 µs; sums stay below 2^53, so the same
///   arithmetic is exact in the floating-point numbers of Redis' Lua, too.
package struct GCRA: Sendable, Hashable {
    /// The latest time there is, in microseconds.
    package static let latestTime: Int64 = 1 << 52

    /// Budget and window.
    package let policy: TokenBucketPolicy

    /// The arithmetic of a policy.
    package init(_ policy: TokenBucketPolicy) {
        self.policy = policy
    }

    /// Decides about taking `cost` tokens.
    ///
    /// - Parameters:
    ///   - cost: tokens; zero or less only looks.
    ///   - now: microseconds since whenever, by the clock that all calls for the bucket go by.
    ///   - stored: the bucket's TAT; zero for a bucket that nobody has used.
    /// - Returns: the decision, and the TAT to store; to be stored only if it is another.
    package func decide(cost: Int, now: Int64, tat stored: BucketTime) -> (decision: BucketDecision, tat: BucketTime) {
        let now = Self.clamped(now)
        let tat = current(stored, now: now)
        // A TAT that was set right has to be kept even if nothing is taken, or the bucket would count as empty anew with each call.
        let kept = min(stored, tat)
        guard cost > 0 else { return (decision(.allowed, cost: 0, now: now, tat: tat), kept) }
        guard cost <= policy.budget else {
            return (decision(.neverAdmissible, cost: cost, now: now, tat: tat), kept)
        }
        let next = tat.adding(policy.time(toEarn: cost), budget: policy.budget)
        if next <= BucketTime(microseconds: now + policy.windowMicroseconds) {
            return (decision(.allowed, cost: cost, now: now, tat: next), next)
        }
        return (decision(.refused, cost: cost, now: now, tat: tat), kept)
    }

    /// Puts a decision that was made elsewhere into figures.
    ///
    /// - Parameter stored: the TAT after the decision.
    func decision(_ outcome: BucketDecision.Outcome, cost: Int, now: Int64, tat stored: BucketTime) -> BucketDecision {
        let now = Self.clamped(now)
        let tat = current(stored, now: now)
        var retryAfter: Int64 = 0
        if outcome == .refused {
            let next = tat.adding(policy.time(toEarn: cost), budget: policy.budget)
            retryAfter = max(1, next.roundedUp - now - policy.windowMicroseconds)
        }
        return BucketDecision(
            outcome: outcome,
            remaining: tokens(tat, now: now),
            retryAfter: retryAfter,
            resetAfter: tat.roundedUp - now
        )
    }

    private static func clamped(_ now: Int64) -> Int64 { min(max(0, now), latestTime) }

    /// What a stored TAT means now.
    private func current(_ stored: BucketTime, now: Int64) -> BucketTime {
        let window = policy.windowMicroseconds
        guard stored.microseconds <= now + 2 * window else { return BucketTime(microseconds: now + window) }
        var tat = stored
        // Of a time when the budget was another: rounded up, to the bucket's loss.
        if tat.fraction >= UInt32(policy.budget) { tat = BucketTime(microseconds: tat.microseconds + 1) }
        return max(tat, BucketTime(microseconds: now))
    }

    private func tokens(_ tat: BucketTime, now: Int64) -> Int {
        let room = now + policy.windowMicroseconds - tat.microseconds
        guard room > 0 else { return 0 }
        let parts = Int128(room) * Int128(policy.budget) - Int128(tat.fraction)
        return Int(parts / Int128(policy.windowMicroseconds))
    }
}

/// What a bucket says to a request.
package struct BucketDecision: Sendable, Hashable {
    /// Yes, not now, or never.
    package enum Outcome: Sendable, Hashable {
        /// The tokens are taken.
        case allowed
        /// There are too few; nothing is taken.
        case refused
        /// The cost exceeds the whole budget; nothing is taken.
        case neverAdmissible
    }

    /// Yes, not now, or never.
    package var outcome: Outcome
    /// Whole tokens in the bucket after the decision.
    package var remaining: Int
    /// Microseconds until the same cost is admitted if nothing else is taken; 0 unless it is refused.
    package var retryAfter: Int64
    /// Microseconds until the bucket is full.
    package var resetAfter: Int64
}
