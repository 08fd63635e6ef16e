import RESP
import RedisClient
import TestSupport
import Testing

@testable import RateLimiting

private let someone = ClientKey(address: "192.0.2.1")

@Suite("A limiter")
struct RateLimiterTests {
    @Test("without Redis decides at once and for all")
    func memoryOnly() async throws {
        let time = ManualClock()
        let limiter = RateLimiter(policy: try TokenBucketPolicy(budget: 1000, window: 60), clock: time.clock)
        let verdict = try #require(limiter.consumeImmediately(22, by: someone))
        #expect(verdict.isAllowed && verdict.remaining == 978 && verdict.cost == 22)
        #expect(verdict.limit == 1000 && verdict.window == 60 && verdict.mode == .global)
        #expect(verdict.resetAfter == .milliseconds(1320) && verdict.resetSeconds == 2 && verdict.retryAfter == nil)
        #expect(await limiter.consume(1001, by: someone).outcome == .neverAdmissible)
        let refusal = await limiter.consume(979, by: someone)
        #expect(refusal.outcome == .refused && refusal.retryAfter == .milliseconds(60) && refusal.retrySeconds == 1)
        #expect(limiter.processCount == 1)
    }

    @Test("who waits the seconds that a refusal says is admitted, and a second less would not do")
    func retrySeconds() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let policy = try TokenBucketPolicy(
                budget: Int.random(in: 1...5000, using: &generator),
                window: Int.random(in: 1...5000, using: &generator)
            )
            let time = ManualClock()
            let limiter = RateLimiter(policy: policy, clientLimit: 8, clock: time.clock)
            _ = limiter.consumeImmediately(policy.budget, by: someone)
            time.advance(by: Int64.random(in: 0..<policy.windowMicroseconds, using: &generator))
            let cost = Int.random(in: 1...policy.budget, using: &generator)
            guard let refusal = limiter.consumeImmediately(cost, by: someone), let seconds = refusal.retrySeconds else {
                continue
            }
            time.advance(by: Int64(seconds - 1) * 1_000_000)
            #expect(seconds == 1 || limiter.consumeImmediately(cost, by: someone)?.outcome == .refused)
            time.advance(by: 1_000_000)
            #expect(limiter.consumeImmediately(cost, by: someone)?.outcome == .allowed)
        }
    }

    @Test(
        "whatever Redis says instead of a decision, the share of this process decides",
        arguments: [
            StandInRedis.Behaviour.isSilent, .fails(.timeout), .fails(.circuitOpen), .fails(.notConnected),
            .fails(.reply(.readOnly)),
            .fails(.protocolViolation), .replies(.null), .replies(.array([.integer(1)])), .replies(.simpleString("OK")),
            .replies(.array([.integer(1), .integer(-5), .integer(0), .integer(7)])),
            .replies(.array([.integer(1), .integer(5), .integer(1000), .integer(7)])),
        ]
    )
    func fallback(_ behaviour: StandInRedis.Behaviour) async throws {
        let redis = StandInRedis()
        redis.set(behaviour)
        let limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 1000, window: 60),
            redis: redis,
            clientLimit: 64,
            clock: ManualClock().clock
        )
        #expect(limiter.consumeImmediately(600, by: someone) == nil)
        let verdict = await limiter.consume(600, by: someone)
        #expect(verdict.isAllowed && verdict.remaining == 400 && verdict.mode == .local)
        let refusal = await limiter.consume(600, by: someone)
        #expect(refusal.outcome == .refused && refusal.retrySeconds == 12 && refusal.mode == .local)
        #expect(redis.calls.allSatisfy { ($0.timeout ?? .seconds(1)) <= .milliseconds(25) })
    }

    @Test("a Redis that is known to be away is not asked, and is asked again when it is back")
    func away() async throws {
        let redis = StandInRedis()
        let limiter = RateLimiter(policy: try TokenBucketPolicy(budget: 10, window: 60), redis: redis, clientLimit: 64)
        for level in [RedisState.Level.starting, .down] {
            redis.set(level)
            #expect(limiter.consumeImmediately(1, by: someone)?.mode == .local)
            #expect(await limiter.consume(1, by: someone).mode == .local)
        }
        #expect(redis.calls.isEmpty)
        for level in [RedisState.Level.degraded, .connected] {
            redis.set(level)
            redis.set(.replies(.array([.integer(1), .integer(1000), .integer(0), .integer(1000)])))
            #expect(limiter.consumeImmediately(1, by: someone) == nil)
            let verdict = await limiter.consume(1, by: someone)
            #expect(verdict.mode == .global && verdict.remaining == 10)
        }
        #expect(redis.calls.count == 2)
    }

    @Test("a refusal by Redis answers at once until the client has earned what it lacks")
    func rememberedRefusals() async throws {
        let redis = StandInRedis()
        let time = ManualClock()
        let limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 10, window: 2),
            redis: redis,
            clientLimit: 64,
            clock: time.clock
        )
        // Three tokens are left.
        let now: Int64 = 1_700_000_000_000_000
        redis.set(.replies(.array([.integer(0), .integer(now + 1_400_000), .integer(0), .integer(now)])))
        let refusal = await limiter.consume(5, by: someone)
        #expect(refusal.outcome == .refused && refusal.remaining == 3 && refusal.retryAfter == .milliseconds(400))
        time.advance(by: 100_000)
        let again = try #require(limiter.consumeImmediately(5, by: someone))
        #expect(again.outcome == .refused && again.retryAfter == .milliseconds(300) && again.mode == .global)
        #expect(limiter.consumeImmediately(4, by: someone)?.retryAfter == .milliseconds(100))
        #expect(limiter.consumeImmediately(3, by: someone) == nil)
        time.advance(by: 299_999)
        #expect(limiter.consumeImmediately(5, by: someone)?.outcome == .refused)
        time.advance(by: 1)
        #expect(limiter.consumeImmediately(5, by: someone) == nil)
        #expect(redis.calls.count == 1)
    }

    @Test("a remembered refusal ends at the earliest that Redis may admit, and says the latest")
    func slowRefusal() async throws {
        let time = ManualClock()
        let redis = StandInRedis { time.advance(by: 20_000) }
        let limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 10, window: 2),
            redis: redis,
            clientLimit: 64,
            clock: time.clock
        )
        let now: Int64 = 1_700_000_000_000_000
        redis.set(.replies(.array([.integer(0), .integer(now + 1_400_000), .integer(0), .integer(now)])))
        #expect(await limiter.consume(5, by: someone).retryAfter == .milliseconds(400))
        // Redis has read its clock at some time in the twenty milliseconds that the call took.
        #expect(limiter.consumeImmediately(5, by: someone)?.retryAfter == .milliseconds(400))
        time.advance(by: 379_999)
        #expect(limiter.consumeImmediately(5, by: someone)?.retryAfter == .microseconds(20_001))
        time.advance(by: 1)
        #expect(limiter.consumeImmediately(5, by: someone) == nil)
    }

    @Test("while Redis is away processes divide the budget, and a cost above a share may come again")
    func shares() async throws {
        let redis = StandInRedis()
        redis.set(.replies(.integer(3)))
        let time = ManualClock()
        let limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 100, window: 60),
            redis: redis,
            clientLimit: 64,
            clock: time.clock
        )
        let service = Task { await limiter.run() }
        try await eventually("the processes are counted") { limiter.processCount == 3 }
        redis.set(.down)
        service.cancel()
        await service.value
        #expect(limiter.processCount == 3)
        #expect(limiter.consumeImmediately(33, by: someone)?.remaining == 0)
        let refusal = try #require(limiter.consumeImmediately(1, by: someone))
        #expect(refusal.outcome == .refused && refusal.limit == 100 && refusal.mode == .local)
        #expect(refusal.retrySeconds == 2)
        let dear = try #require(limiter.consumeImmediately(34, by: someone))
        #expect(dear.outcome == .refused && dear.retrySeconds == 60)
        #expect(limiter.consumeImmediately(101, by: someone)?.outcome == .neverAdmissible)
    }
}
