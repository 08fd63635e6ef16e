import HTTPTypes
import RateLimiting
import RawStructuredFieldValues
import Testing

@testable import FibonacciAPI

@Suite("Fields of the limiter")
struct RateLimitFieldsTests {
    private let client = ClientKey(address: "192.0.2.1")

    private func limiter(budget: Int, window: Int) throws -> RateLimiter {
        RateLimiter(policy: try TokenBucketPolicy(budget: budget, window: window), clock: MonotonicClock { 1_000_000 })
    }

    private func parameters(_ value: String?) throws -> [String: RFC9651BareItem] {
        var parser = StructuredFieldValueParser(Array(try #require(value).utf8))
        let list = try parser.parseListFieldValue()
        #expect(list.count == 1)
        guard case .item(let item) = try #require(list.first) else {
            Issue.record("not an item: \(value ?? "")")
            return [:]
        }
        #expect(item.rfc9651BareItem == .string("default"))
        return Dictionary(uniqueKeysWithValues: item.rfc9651Parameters.map { ($0.0, $0.1) })
    }

    @Test(
        "are structured fields that a strict parser reads, whatever the figures",
        arguments: [
            (1, 1, 1), (1000, 60, 22), (1000, 60, 1000), (1_000_000_000, 31_536_000, 1),
            (1_000_000_000, 1, 999_999_999),
            (7, 31_536_000, 3),
        ]
    )
    func structured(budget: Int, window: Int, cost: Int) throws {
        let limiter = try limiter(budget: budget, window: window)
        let verdict = try #require(limiter.consumeImmediately(cost, by: client))
        let fields = RateLimitFields(policy: limiter.policy).fields(cost: cost, verdict: verdict)
        let policy = try parameters(fields[.rateLimitPolicy])
        #expect(policy == ["q": .integer(Int64(budget)), "w": .integer(Int64(window))])
        let limit = try parameters(fields[.rateLimit])
        let seconds = (cost * window + budget - 1) / budget
        #expect(limit == ["r": .integer(Int64(budget - cost)), "t": .integer(Int64(seconds))])
        #expect(fields[.xRateLimitCost] == "\(cost)")
        #expect(fields[.xRateLimitRemaining] == "\(budget - cost)")
        #expect(fields[.xRateLimitMode] == nil)
    }

    @Test("read as the reference says")
    func text() throws {
        let limiter = try limiter(budget: 1000, window: 60)
        let verdict = try #require(limiter.consumeImmediately(22, by: client))
        let fields = RateLimitFields(policy: limiter.policy).fields(cost: 22, verdict: verdict)
        #expect(fields[.rateLimitPolicy] == "\"default\";q=1000;w=60")
        #expect(fields[.rateLimit] == "\"default\";r=978;t=2")
    }

    @Test("tell of a refusal when the same request is admitted")
    func refusal() throws {
        let limiter = try limiter(budget: 100, window: 10)
        _ = limiter.consumeImmediately(95, by: client)
        let verdict = try #require(limiter.consumeImmediately(21, by: client))
        #expect(verdict.outcome == .refused)
        let fields = RateLimitFields(policy: limiter.policy).fields(cost: 21, verdict: verdict)
        #expect(fields[.rateLimit] == "\"default\";r=5;t=2")
        let problem = Problem.quotaExceeded(verdict)
        #expect(problem.retryAfter == 2)
        #expect(problem.extensions == [.cost(21), .budget(100)])
    }

    @Test("are the cost alone where nothing is limited")
    func unlimited() {
        let fields = RateLimitFields(policy: nil).fields(cost: 3, verdict: nil)
        #expect(fields == [.xRateLimitCost: "3"])
    }
}
