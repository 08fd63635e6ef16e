package import RedisClient
internal import ServiceLifecycle

/// Decides whether clients may spend what their requests cost.
///
/// Without Redis a bucket in memory decides. With Redis the bucket there does, for all processes together; while it does not answer, each
/// process decides with a share of the budget, and asks Redis again as soon as its client has found it well. Nothing here throws or blocks.
///
/// While Redis is away all processes together admit no more than the budget and what it earns, on top of what Redis had admitted before, as
/// long as there are no more of them than when it was last seen, nor more than tokens in the budget. A cost above a share is then refused.
package final class RateLimiter: Service, Sendable {
    /// How long a check waits for Redis unless something else is said.
    package static let defaultDeadline: Duration = .milliseconds(25)

    /// What all processes share.
    private struct Shared: Sendable {
        let store: RedisStore
        let registry: ProcessRegistry
        let deadline: Duration
        let refusals: RecentRefusals
    }

    /// Budget and window.
    package let policy: TokenBucketPolicy
    private let memory: MemoryStore
    private let shared: Shared?
    private let clock: MonotonicClock

    /// A limiter of this process alone.
    ///
    /// - Parameter clientLimit: the most clients whose buckets are kept; see ``MemoryStore``.
    package init(
        policy: TokenBucketPolicy,
        clientLimit: Int = MemoryStore.defaultClientLimit,
        clock: MonotonicClock = .system
    ) {
        self.policy = policy
        self.clock = clock
        memory = MemoryStore(policy: policy, clientLimit: clientLimit)
        shared = nil
    }

    /// A limiter that processes share. ``run()`` has to run for it to know how many they are.
    ///
    /// - Parameters:
    ///   - redis: a client whose connections carry nothing large. Its own circuit breaker decides when Redis is not asked.
    ///   - deadline: how long a check waits for Redis.
    ///   - clientLimit: the most clients whose buckets are kept while Redis is away, and the most whose refusals are remembered.
    ///   - heartbeat: how often this process says that it is alive, 50 ms to 5 s; after 15 s without it counts as gone.
    package init(
        policy: TokenBucketPolicy,
        redis: any RedisCommanding,
        deadline: Duration = RateLimiter.defaultDeadline,
        clientLimit: Int = MemoryStore.defaultClientLimit,
        heartbeat: Duration = .seconds(1),
        clock: MonotonicClock = .system
    ) {
        self.policy = policy
        self.clock = clock
        memory = MemoryStore(policy: policy, clientLimit: clientLimit)
        shared = Shared(
            store: RedisStore(client: redis, policy: policy, refusalLimit: clientLimit, clock: clock),
            registry: ProcessRegistry(client: redis, interval: heartbeat, timeout: deadline, clock: clock),
            deadline: deadline,
            refusals: RecentRefusals(clock: clock)
        )
    }

    /// Processes last seen alive, at least 1.
    package var processCount: Int { shared?.registry.count ?? 1 }

    /// How the Redis stands that budgets are counted in; nil without one. As its client says, and degraded, too, if it has refused checks or signs
    /// of life within the last ten seconds, because of rights, memory or slots, say: what it refuses is decided locally.
    package var redisState: RedisState? {
        guard let shared else { return nil }
        let state = shared.store.state
        guard state.level == .connected, let reason = shared.refusals.recent else { return state }
        return RedisState(.degraded, reason: reason)
    }

    /// The verdict on a request, if it needs no waiting: always without Redis, and with it if the client is known to be refused or Redis is known
    /// to be away. Nil means that nothing has been taken and ``consumeByAsking(_:by:)`` has to follow.
    ///
    /// - Parameter cost: in tokens; zero only looks.
    package func consumeImmediately(_ cost: Int, by client: ClientKey) -> Verdict? {
        guard let shared else {
            return verdict(memory.consume(cost, by: client, now: clock.now()), cost, .global)
        }
        guard shared.store.isReachable else { return consumeShare(cost, by: client) }
        // A Redis that takes no writes still lets everybody look at a bucket that nothing is taken from.
        if cost <= 0, redisState?.level == .degraded { return consumeShare(cost, by: client) }
        return shared.store.rememberedRefusal(cost, by: client).map { verdict($0, cost, .global) }
    }

    /// The verdict on a request, within the deadline.
    ///
    /// - Parameter cost: in tokens; zero only looks.
    package func consume(_ cost: Int, by client: ClientKey) async -> Verdict {
        if let verdict = consumeImmediately(cost, by: client) { return verdict }
        return await consumeByAsking(cost, by: client)
    }

    /// The verdict on a request about which ``consumeImmediately(_:by:)`` could not tell, within the deadline.
    ///
    /// - Parameter cost: in tokens; zero only looks.
    package func consumeByAsking(_ cost: Int, by client: ClientKey) async -> Verdict {
        guard let shared else { return consumeShare(cost, by: client) }
        do throws(RedisError) {
            let decision = try await shared.store.consume(cost, by: client, timeout: shared.deadline)
            return verdict(decision, cost, .global)
        } catch {
            shared.refusals.note(error)
            return consumeShare(cost, by: client)
        }
    }

    /// The verdict on a request that cannot wait: of this process's share where Redis would have to be asked.
    ///
    /// - Parameter cost: in tokens.
    package func consumeWithoutWaiting(_ cost: Int, by client: ClientKey) -> Verdict {
        consumeImmediately(cost, by: client) ?? consumeShare(cost, by: client)
    }

    /// Keeps this process among those that are alive, until graceful shutdown or cancellation. Never throws.
    package func run() async {
        guard let shared else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { await shared.registry.run { shared.refusals.note($0) } }
        await shared.registry.leave()
    }

    /// The verdict of this process's share.
    private func consumeShare(_ cost: Int, by client: ClientKey) -> Verdict {
        let share = policy.share(of: shared?.registry.recentCount ?? 1)
        var decision = memory.consume(cost, by: client, now: clock.now(), policy: share)
        if decision.outcome == .neverAdmissible, cost <= policy.budget {
            // It may be admitted when Redis is back; nobody knows when, but not before the share is whole.
            decision.outcome = .refused
            decision.retryAfter = max(decision.resetAfter, 1_000_000)
        }
        return verdict(decision, cost, .local)
    }

    private func verdict(_ decision: BucketDecision, _ cost: Int, _ mode: Verdict.Mode) -> Verdict {
        Verdict(decision, cost: max(0, cost), policy: policy, mode: mode)
    }
}
