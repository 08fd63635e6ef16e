internal import RESP
package import RedisClient

/// Buckets in a Redis that several processes share: exactly one budget for each client, whichever process it meets.
///
/// A check is one round trip. A refusal is remembered, because a client whose bucket can only get emptier will be refused until it has earned
/// what it lacks: until then neither it nor a flood of it reaches Redis.
package struct RedisStore: Sendable {
    /// Budget and window.
    package let policy: TokenBucketPolicy
    private let client: any RedisCommanding
    private let clock: MonotonicClock
    private let refusals: BucketTable

    /// A store over a client.
    ///
    /// - Parameters:
    ///   - refusalLimit: the most clients whose refusals are remembered; 40 bytes each.
    ///   - clock: of this process. It only measures how long refusals last.
    package init(
        client: any RedisCommanding,
        policy: TokenBucketPolicy,
        refusalLimit: Int,
        clock: MonotonicClock = .system
    ) {
        self.client = client
        self.policy = policy
        self.clock = clock
        refusals = BucketTable(limit: refusalLimit)
    }

    /// How the client stands.
    var state: RedisState { client.state }

    /// Whether it is of use to ask: false while Redis is known to be away.
    package var isReachable: Bool {
        switch state.level {
        case .connected, .degraded: true
        case .starting, .down: false
        }
    }

    /// How long a refusal counts for certain. Then one request asks again: another process may have spent what was left, and a Redis that was
    /// emptied has a full bucket.
    static let certainty: Int64 = 1_000_000

    /// The key of a client's bucket. The braces make it the hash tag, so that a cluster may keep more about the client beside it.
    static func key(_ client: ClientKey) -> String { "ratelimit:{\(client)}" }

    /// The refusal of `cost`, if it is certain without asking.
    ///
    /// Its figures are those of the last reply about the client, at most ``certainty`` ago, which is so old only if other processes spend.
    package func rememberedRefusal(_ cost: Int, by client: ClientKey) -> BucketDecision? {
        guard cost > 0, cost <= policy.budget else { return nil }
        let now = clock.now()
        let (entry, isCertain) = refusals.update(client, now: now) { entry in
            let isCertain = now - entry.moment < Self.certainty
            // Whoever finds it uncertain asks, for all who come meanwhile.
            if !isCertain, entry.tat.microseconds > now { entry.moment = now }
            return (entry, isCertain)
        }
        guard isCertain, entry.tat.microseconds > now else { return nil }
        var decision = GCRA(policy).decide(cost: cost, now: now, tat: entry.tat).decision
        guard decision.outcome == .refused else { return nil }
        // The remembered time is the earliest that it can be. Who is told to wait must not come back before the latest.
        decision.retryAfter += Int64(entry.slack)
        decision.resetAfter += Int64(entry.slack)
        return decision
    }

    /// Takes `cost` tokens from a client's bucket if it holds them; zero only looks.
    ///
    /// - Parameter timeout: how long to wait for Redis. It may take the tokens after that all the same, never more of them.
    /// - Throws: why Redis did not decide.
    package func consume(_ cost: Int, by client: ClientKey, timeout: Duration) async throws(RedisError)
        -> BucketDecision
    {
        let start = clock.now()
        let isNever = cost > policy.budget
        let answer = try await ask(isNever ? 0 : cost, by: client, timeout: timeout)
        let outcome: BucketDecision.Outcome = isNever ? .neverAdmissible : answer.isAdmitted ? .allowed : .refused
        remember(answer, isRefused: outcome == .refused, by: client, since: start)
        return GCRA(policy).decision(outcome, cost: cost, now: answer.now, tat: answer.tat)
    }

    /// Runs the script.
    ///
    /// - Parameter cost: at most the budget.
    func ask(_ cost: Int, by client: ClientKey, timeout: Duration) async throws(RedisError) -> ScriptAnswer {
        let charge = policy.time(toEarn: max(0, cost))
        let reply = try await self.client.evaluate(
            Self.script,
            keys: [Self.key(client)],
            arguments: [
                RESPArgument(Int(charge.microseconds)), RESPArgument(Int(charge.fraction)),
                RESPArgument(Int(policy.windowMicroseconds)), RESPArgument(policy.budget),
            ],
            timeout: timeout
        )
        guard let answer = ScriptAnswer(reply, budget: policy.budget) else {
            throw RedisError(.protocolViolation, "the rate limit's script gave another reply than expected")
        }
        return answer
    }

    /// Keeps TAT in terms of this process's clock.
    ///
    /// Redis read its clock between the call and now. Counted from the call, TAT is never later than it truly is, so that nobody is refused
    /// here who would be admitted there.
    ///
    /// The latest reply counts, whatever it says; about clients that are not refused nothing is kept.
    private func remember(_ answer: ScriptAnswer, isRefused: Bool, by client: ClientKey, since start: Int64) {
        let now = clock.now()
        let earliest = BucketTime(
            microseconds: answer.tat.microseconds - answer.now + start,
            fraction: answer.tat.fraction
        )
        let slack = UInt32(clamping: now - start)
        refusals.update(client, now: now) { entry in
            guard isRefused || entry.tat.microseconds > now else { return }
            // A bucket that is full is no refusal; the time that has passed marks it as none.
            entry = BucketTable.Entry(tat: max(earliest, BucketTime(microseconds: 1)), slack: slack, moment: start)
        }
    }
}

/// What the script answers.
struct ScriptAnswer {
    let isAdmitted: Bool
    let tat: BucketTime
    let now: Int64

    init?(_ reply: RESPValue, budget: Int) {
        guard let figures = reply.elements?.compactMap(\.integer), figures.count == 4,
            let fraction = UInt32(exactly: figures[2]), fraction < budget,
            (0...(1 << 53)).contains(figures[1]), (0...(1 << 53)).contains(figures[3])
        else { return nil }
        isAdmitted = figures[0] == 1
        tat = BucketTime(microseconds: figures[1], fraction: fraction)
        now = figures[3]
    }
}
