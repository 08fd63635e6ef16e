import TestSupport
import Testing

@testable import RateLimiting

/// Policies in which a token takes a whole number of microseconds, a fraction of one, and the largest that there are.
private let policies: [(budget: Int, window: Int)] = [
    (1, 1), (1, 31_536_000), (3, 1), (7, 60), (1000, 60), (999_983, 59), (1_000_000_000, 1), (999_999_937, 31_535_999),
    (1_000_000_000, 31_536_000),
]

@Suite("A bucket")
struct GCRATests {
    @Test("agrees with exact rational arithmetic at every step", arguments: policies)
    func oracle(_ figures: (budget: Int, window: Int)) throws {
        let policy = try TokenBucketPolicy(budget: figures.budget, window: figures.window)
        let bucket = GCRA(policy)
        for seed in 0..<20 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var now = Int64.random(in: 1...(GCRA.latestTime / 2), using: &generator)
            var oracle = RationalBucket(policy, now: now)
            var tat = BucketTime(microseconds: 0)
            for _ in 0..<300 {
                let pause = Int64.random(
                    in: 0...(2 * policy.windowMicroseconds >> Int64.random(in: 0...40, using: &generator)),
                    using: &generator
                )
                now += pause
                oracle.advance(to: now)
                let cost = Int.random(
                    in: 1...max(1, policy.budget >> Int.random(in: 0...20, using: &generator)),
                    using: &generator
                )
                let retryAfter = oracle.retryAfter(cost)
                let isAdmitted = oracle.take(cost)
                let (decision, next) = bucket.decide(cost: cost, now: now, tat: tat)
                #expect(decision.outcome == (isAdmitted ? .allowed : .refused))
                #expect(decision.remaining == oracle.tokens)
                #expect(decision.retryAfter == retryAfter)
                #expect(decision.resetAfter == oracle.resetAfter)
                #expect(isAdmitted || next == tat)
                tat = next
            }
        }
    }

    @Test("admits at most its budget and what it earns in any interval, however the clock steps", arguments: policies)
    func neverOverAdmits(_ figures: (budget: Int, window: Int)) throws {
        let policy = try TokenBucketPolicy(budget: figures.budget, window: figures.window)
        let bucket = GCRA(policy)
        let window = policy.windowMicroseconds
        for seed in 0..<10 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var now: Int64 = 1 << 48
            var tat = BucketTime(microseconds: 0)
            var admitted: [(time: Int64, cost: Int)] = []
            for _ in 0..<200 {
                let step = window >> Int64.random(in: 0...30, using: &generator)
                now += Int64.random(in: (-step / 3)...step, using: &generator)
                let cost = Int.random(
                    in: 1...max(1, policy.budget >> Int.random(in: 0...10, using: &generator)),
                    using: &generator
                )
                let (decision, next) = bucket.decide(cost: cost, now: now, tat: tat)
                #expect(next >= tat)
                tat = next
                if decision.outcome == .allowed { admitted.append((now, cost)) }
            }
            for first in admitted.indices {
                var sum: Int128 = 0
                for last in first..<admitted.count {
                    sum += Int128(admitted[last].cost)
                    let elapsed = Int128(admitted[last].time - admitted[first].time)
                    #expect(sum * Int128(window) <= Int128(policy.budget) * (Int128(window) + elapsed))
                }
            }
        }
    }

    @Test(
        "a clock that jumps by more than a window earns only what it goes forward, and no client waits longer than two windows"
    )
    func wildClock() throws {
        let policy = try TokenBucketPolicy(budget: 7, window: 60)
        let bucket = GCRA(policy)
        let window = policy.windowMicroseconds
        for seed in 0..<50 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var now: Int64 = 1 << 48
            var tat = BucketTime(microseconds: 0)
            var forward: Int64 = 0
            var admitted = 0
            for _ in 0..<300 {
                let step = Int64.random(in: (-10 * window)...(4 * window), using: &generator)
                now += step
                forward += max(0, step)
                let cost = Int.random(in: 1...7, using: &generator)
                let (decision, next) = bucket.decide(cost: cost, now: now, tat: tat)
                tat = next
                if decision.outcome == .allowed { admitted += cost }
                #expect(decision.retryAfter <= 2 * window)
                #expect(Int128(admitted) * Int128(window) <= Int128(policy.budget) * Int128(window + forward))
            }
        }
    }

    @Test("a client is never refused that keeps to its rate", arguments: policies)
    func pacedClient(_ figures: (budget: Int, window: Int)) throws {
        let policy = try TokenBucketPolicy(budget: figures.budget, window: figures.window)
        let bucket = GCRA(policy)
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20 {
            let start = Int64.random(in: 1...(1 << 50), using: &generator)
            var spent: Int128 = Int128(policy.budget)
            var tat = BucketTime(microseconds: 0)
            tat = bucket.decide(cost: policy.budget, now: start, tat: tat).tat
            for _ in 0..<200 {
                let cost = Int.random(in: 1...max(1, policy.budget >> 8), using: &generator)
                // The first microsecond at which the client has earned this on top of all before.
                spent += Int128(cost)
                let parts = (spent - Int128(policy.budget)) * Int128(policy.windowMicroseconds)
                let due = (parts + Int128(policy.budget) - 1) / Int128(policy.budget)
                guard due < Int128(1 << 51) else { break }
                let (decision, next) = bucket.decide(cost: cost, now: start + Int64(due), tat: tat)
                #expect(decision.outcome == .allowed)
                tat = next
            }
        }
    }

    @Test("who waits as long as a refusal says is admitted, and a microsecond earlier is refused")
    func retry() throws {
        var generator = SeededGenerator(seed: 5)
        for figures in policies {
            let policy = try TokenBucketPolicy(budget: figures.budget, window: figures.window)
            let bucket = GCRA(policy)
            for _ in 0..<100 {
                let now = Int64.random(in: 0...(1 << 50), using: &generator)
                let tat = bucket.decide(cost: policy.budget, now: now, tat: BucketTime(microseconds: 0)).tat
                let cost = Int.random(in: 1...policy.budget, using: &generator)
                let refusal = bucket.decide(cost: cost, now: now, tat: tat).decision
                #expect(refusal.outcome == .refused)
                #expect(
                    bucket.decide(cost: cost, now: now + refusal.retryAfter - 1, tat: tat).decision.outcome == .refused
                )
                #expect(bucket.decide(cost: cost, now: now + refusal.retryAfter, tat: tat).decision.outcome == .allowed)
            }
        }
    }

    @Test("a cost above the budget is never admissible and changes nothing; no cost only looks")
    func extremes() throws {
        let bucket = GCRA(try TokenBucketPolicy(budget: 10, window: 60))
        let (taken, tat) = bucket.decide(cost: 4, now: 1000, tat: BucketTime(microseconds: 0))
        #expect(taken.outcome == .allowed && taken.remaining == 6 && taken.resetAfter == 24_000_000)
        for cost in [11, 1_000_000_001, Int.max] {
            let (decision, next) = bucket.decide(cost: cost, now: 1000, tat: tat)
            #expect(decision.outcome == .neverAdmissible && decision.remaining == 6 && next == tat)
        }
        for cost in [0, -1, Int.min] {
            let (decision, next) = bucket.decide(cost: cost, now: 1000, tat: tat)
            #expect(decision.outcome == .allowed && decision.remaining == 6 && next == tat)
        }
    }

    @Test("no time, stored or read, overflows", arguments: policies)
    func overflow(_ figures: (budget: Int, window: Int)) throws {
        let policy = try TokenBucketPolicy(budget: figures.budget, window: figures.window)
        let bucket = GCRA(policy)
        let times: [Int64] = [.min, -1, 0, 1, GCRA.latestTime - 1, GCRA.latestTime, .max]
        for now in times {
            for stored in times {
                for fraction in [0, 1, UInt32.max] {
                    for cost in [0, 1, policy.budget, Int.max] {
                        let tat = BucketTime(microseconds: stored, fraction: fraction)
                        let (decision, next) = bucket.decide(cost: cost, now: now, tat: tat)
                        #expect((0...policy.budget).contains(decision.remaining))
                        #expect((0...(2 * policy.windowMicroseconds + 1)).contains(decision.resetAfter))
                        #expect(next == tat || next.microseconds < 1 << 53)
                    }
                }
            }
        }
    }

    @Test("budgets and windows out of range are refused with a sentence that says what is expected")
    func ranges() {
        for (budget, window) in [(0, 60), (-1, 60), (1_000_000_001, 60), (1, 0), (1, 31_536_001), (Int.max, Int.max)] {
            #expect(throws: TokenBucketPolicyError.self) { try TokenBucketPolicy(budget: budget, window: window) }
        }
        let error = #expect(throws: TokenBucketPolicyError.self) { try TokenBucketPolicy(budget: 0, window: 60) }
        #expect(error?.description == "the budget of a rate limit is 1 to 1000000000 tokens, not 0")
    }
}
