/// Buckets in the memory of this process. Every call takes the same little time, on any thread, and none waits for I/O.
package final class MemoryStore: Sendable {
    /// How many clients there are places for unless something else is said: 10 MiB when all are taken.
    package static let defaultClientLimit = 1 << 18

    /// Budget and window.
    package let policy: TokenBucketPolicy
    private let table: BucketTable

    /// An empty store.
    ///
    /// - Parameter clientLimit: the most clients whose buckets are kept, rounded down to a multiple of eight and at least eight. When there
    ///   are more, the fullest buckets are forgotten. Close to the limit a few are forgotten early.
    package init(policy: TokenBucketPolicy, clientLimit: Int = MemoryStore.defaultClientLimit) {
        self.policy = policy
        table = BucketTable(limit: clientLimit)
    }

    /// The most clients whose buckets are kept.
    package var clientLimit: Int { table.limit }

    /// The most bytes that the buckets take.
    package var byteLimit: Int { table.limit * BucketTable.placeSize }

    /// Takes `cost` tokens from a client's bucket if it holds them; zero only looks.
    ///
    /// - Parameter now: microseconds since whenever, the same for all calls.
    package func consume(_ cost: Int, by client: ClientKey, now: Int64) -> BucketDecision {
        consume(cost, by: client, now: now, policy: policy)
    }

    /// The same under a policy of the moment.
    func consume(_ cost: Int, by client: ClientKey, now: Int64, policy: TokenBucketPolicy) -> BucketDecision {
        let bucket = GCRA(policy)
        return table.update(client, now: now) { entry in
            let (decision, tat) = bucket.decide(cost: cost, now: now, tat: entry.tat)
            entry.tat = tat
            return decision
        }
    }

    /// How many buckets are not full; linear in the limit, for tests.
    func usedCount(now: Int64) -> Int { table.count(now: now) }
}
