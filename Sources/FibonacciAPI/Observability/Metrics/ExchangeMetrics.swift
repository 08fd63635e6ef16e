import OTLPTracing
import PrometheusMetrics
import Synchronization
import Tracing

/// Counts and times the exchanges of the public port, by the names of OpenTelemetry's semantic conventions in their Prometheus form, and
/// what they did to caches, budgets and the queue of computations.
///
/// Every exchange passes here, also one that failed: counts by status are what was answered.
final class ExchangeMetrics: ExchangeObserver {
    private let active = Atomic(0)
    private let series: ExchangeSeries
    private let memoryHits: PrometheusCounter
    private let memoryMisses: PrometheusCounter
    private let collapsed: PrometheusCounter
    private let rejections: PrometheusCounter
    private let decisions: RateLimitDecisions

    init(registry: PrometheusRegistry) {
        series = ExchangeSeries(registry: registry)
        let lookups = CacheMetrics.requests(in: registry)
        memoryHits = lookups.with("memory", "hit")
        memoryMisses = lookups.with("memory", "miss")
        collapsed = registry.counter(
            "fib_cache_collapsed_total",
            help: "Requests that shared the computation of another."
        )
        rejections = registry.counter(
            "fib_compute_rejections_total",
            help: "Requests that found the queue of computations full."
        )
        decisions = RateLimitDecisions(registry: registry)
        registry.gauge("http_server_active_requests", help: "Requests that are being answered.") { [weak self] in
            Double(self?.active.load(ordering: .relaxed) ?? 0)
        }
    }

    func exchangeBegan() {
        active.add(1, ordering: .relaxed)
    }

    /// Leads from a graph to a trace that was exported.
    private static func exemplar(_ exchange: Exchange) -> Exemplar? {
        guard let span = exchange.span, span.isRecording, let context = span.traceContext else { return nil }
        let traceID = UInt128(context.traceID.high) << 64 | UInt128(context.traceID.low)
        let time = Double(DefaultTracerClock.now.nanosecondsSinceEpoch) / 1e9
        return Exemplar(traceID: traceID, spanID: context.spanID.value, time: time)
    }

    func exchangeFinished(_ exchange: Exchange) {
        active.subtract(1, ordering: .relaxed)
        let series = series[exchange]
        series.duration.observe(exchange.duration, exemplar: Self.exemplar(exchange))
        series.bodySize.observe(Double(exchange.bodyBytes))
        // Also of those that came to nothing: a tier is no better for it.
        if let isInMemory = exchange.isInMemory { (isInMemory ? memoryHits : memoryMisses).increment() }
        if exchange.cacheStatus == .collapsed { collapsed.increment() }
        if exchange.problem == .overloaded { rejections.increment() }
        decisions.count(exchange)
    }
}
