import HTTPTypes
import NIOCore
import PrometheusMetrics
import RateLimiting
import Testing

@testable import FibonacciAPI

@Suite("Metrics of exchanges")
struct ExchangeMetricsTests {
    private let registry = PrometheusRegistry()
    private let metrics: ExchangeMetrics

    init() {
        metrics = ExchangeMetrics(registry: registry)
    }

    private func exchange(
        _ method: String = "GET",
        _ route: String = "/v1/fib",
        status: HTTPResponse.Status = .ok,
        cache: CacheStatus? = nil,
        problem: Problem.Kind? = nil
    ) -> Exchange {
        var exchange = Exchange(requestID: "id", method: method, client: Client(ClientKey(address: "192.0.2.1")))
        exchange.route = route
        exchange.status = status
        exchange.duration = .milliseconds(3)
        exchange.bodyBytes = 100
        exchange.cacheStatus = cache
        exchange.problem = problem
        return exchange
    }

    private func record(_ exchange: Exchange) {
        metrics.exchangeBegan()
        metrics.exchangeFinished(exchange)
    }

    private var lines: [String] {
        String(decoding: registry.exposition(.text), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("count every exchange by method, route and status")
    func counts() {
        for _ in 0..<3 { record(exchange()) }
        record(exchange("HEAD"))
        record(exchange(status: .badRequest))
        record(exchange("GET", Exchange.unmatchedRoute, status: .notFound))
        let name = "http_server_request_duration_seconds"
        func line(_ method: String, _ route: String, _ status: Int, _ count: Int) -> String {
            "\(name)_count{http_request_method=\"\(method)\",http_route=\"\(route)\","
                + "http_response_status_code=\"\(status)\"} \(count)"
        }
        #expect(lines.contains(line("GET", "/v1/fib", 200, 3)))
        #expect(lines.contains(line("HEAD", "/v1/fib", 200, 1)))
        #expect(lines.contains(line("GET", "/v1/fib", 400, 1)))
        #expect(lines.contains(line("GET", "unmatched", 404, 1)))
    }

    @Test("call a method that nobody knows _OTHER, whatever clients make up")
    func unknownMethods() {
        for number in 0..<1000 { record(exchange("METHOD\(number)", status: .notImplemented)) }
        let series = lines.filter {
            $0.hasPrefix("http_server_request_duration_seconds_count") && !$0.hasSuffix(" 0")
        }
        #expect(series.count == 1)
        #expect(series.first?.contains("http_request_method=\"_OTHER\"") == true)
        #expect(series.first?.hasSuffix("} 1000") == true)
    }

    @Test("know how many exchanges are under way")
    func active() {
        metrics.exchangeBegan()
        metrics.exchangeBegan()
        #expect(lines.contains("http_server_active_requests 2"))
        metrics.exchangeFinished(exchange())
        #expect(lines.contains("http_server_active_requests 1"))
    }

    @Test("count look-ups of the memory tier, also for answers that came to nothing")
    func cache() {
        var one = exchange(cache: .hit)
        one.isInMemory = true
        record(one)
        for status in [CacheStatus.redisHit, .computed(stored: true), .collapsed] {
            one = exchange(cache: status)
            one.isInMemory = false
            record(one)
        }
        one = exchange(status: .serviceUnavailable, problem: .overloaded)
        one.isInMemory = false
        record(one)
        record(exchange(status: .notModified, cache: .validated))
        record(exchange("HEAD", cache: .hit))
        #expect(lines.contains("fib_cache_requests_total{tier=\"memory\",result=\"hit\"} 1"))
        #expect(lines.contains("fib_cache_requests_total{tier=\"memory\",result=\"miss\"} 4"))
        #expect(lines.contains("fib_cache_collapsed_total 1"))
    }

    @Test("count what the limiter decides, and what it takes")
    func decisions() throws {
        let limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 10, window: 60),
            clock: MonotonicClock { 1_000_000 }
        )
        let client = ClientKey(address: "192.0.2.1")
        for (cost, problem) in [(7, nil), (7, .quotaExceeded), (1, .costExceedsBudget), (0, nil)]
            as [(Int, Problem.Kind?)]
        {
            var one = exchange(problem: problem)
            one.verdict = limiter.consumeImmediately(cost, by: client)
            record(one)
        }
        func count(_ decision: String) -> String {
            "fib_ratelimit_decisions_total{decision=\"\(decision)\",mode=\"global\"}"
        }
        #expect(lines.contains(count("allowed") + " 1"))
        #expect(lines.contains(count("refused") + " 1"))
        #expect(lines.contains(count("exceeds_budget") + " 1"))
        #expect(lines.contains("fib_ratelimit_cost_total 8"))
    }

    @Test("count what the queue of computations turns away")
    func rejections() {
        record(exchange(status: .serviceUnavailable, problem: .overloaded))
        #expect(lines.contains("fib_compute_rejections_total 1"))
    }
}
