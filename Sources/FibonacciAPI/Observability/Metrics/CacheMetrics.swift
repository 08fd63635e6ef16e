import Caching
import PrometheusMetrics

/// What the cache tiers give.
enum CacheMetrics {
    /// Look-ups by tier and result.
    static func requests(in registry: PrometheusRegistry) -> PrometheusFamily<PrometheusCounter> {
        registry.counter(
            "fib_cache_requests_total",
            help: "Look-ups of numbers in the tiers of the cache.",
            labelNames: ["tier", "result"]
        )
    }

    /// Has the memory tier's occupancy read whenever somebody scrapes.
    static func observe(_ source: FibonacciSource, capacity: Int, in registry: PrometheusRegistry) {
        let tier = ["memory"]
        registry.gauge(
            "fib_cache_bytes",
            help: "Memory that cached numbers take.",
            unit: "bytes",
            labelNames: ["tier"]
        ) { [PrometheusSample(tier, value: Double(source.occupancy.bytes))] }
        registry.gauge(
            "fib_cache_capacity_bytes",
            help: "The most memory that cached numbers may take.",
            unit: "bytes",
            labelNames: ["tier"]
        ) { [PrometheusSample(tier, value: Double(capacity))] }
        registry.gauge("fib_cache_entries", help: "Numbers that are cached.", labelNames: ["tier"]) {
            [PrometheusSample(tier, value: Double(source.occupancy.entries))]
        }
        registry.counter("fib_cache_evictions_total", help: "Numbers that made room for others.", labelNames: ["tier"])
        {
            [PrometheusSample(tier, value: Double(source.occupancy.evictions))]
        }
    }
}

/// Counts what the Redis tier gives.
struct RedisTierMetrics: Sendable {
    let hits: PrometheusCounter
    let misses: PrometheusCounter
    /// Redis did not say.
    let errors: PrometheusCounter
    /// What Redis has is not the number.
    let invalid: PrometheusCounter

    init(registry: PrometheusRegistry) {
        let requests = CacheMetrics.requests(in: registry)
        hits = requests.with("redis", "hit")
        misses = requests.with("redis", "miss")
        errors = requests.with("redis", "error")
        invalid = requests.with("redis", "invalid")
    }
}
