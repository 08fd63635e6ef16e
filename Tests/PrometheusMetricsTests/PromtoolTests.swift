import CoreMetrics
import TestSupport
import Testing

@testable import PrometheusMetrics

@Suite("Prometheus' own tool")
struct PromtoolTests {
    @Test("has nothing to say about an exposition")
    func silence() async throws {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 3))
        registry.register(ProcessCollector())
        let histograms = registry.histogram(
            "http_server_request_duration_seconds",
            help: "Quotes \" and \\ and\nlines.",
            unit: "seconds",
            labelNames: ["http_request_method", "http_route"]
        )
        for index in 0..<6 {
            histograms.with("GET", "/\(index)\"\\\n").observe(
                Double(index),
                exemplar: Exemplar(traceID: 1, spanID: UInt64(index))
            )
        }
        registry.histogram("response_size_bytes", help: "S.", unit: "bytes", buckets: .byteSizes).observe(1e300)
        registry.histogram("drift", help: "D.", buckets: [-1, 0, 1e6]).observe(-7)
        registry.counter("requests", help: "R.", labels: [("x", "é\u{0}")]).increment(by: Int.max)
        registry.counter("energy_joules_total", help: "E.", unit: "joules").increment(by: 1e-300)
        registry.gauge("oddity", help: "O.", labelNames: ["x"]) {
            [Double.nan, .infinity, -.infinity, -0.0].enumerated().map {
                PrometheusSample(["\($0.offset)"], value: $0.element)
            }
        }
        let factory = PrometheusMetricsFactory(registry: registry)
        factory.makeTimer(label: "db.client.operation.duration", dimensions: [("le", "1")]).recordNanoseconds(5)
        let outcome = try await LocalProgram.outcome(
            "promtool",
            ["check", "metrics"],
            input: registry.exposition(.text)
        )
        #expect(outcome == LocalProgram.Outcome(status: 0, output: ""))
    }

    @Test("objects to what is none")
    func objection() async throws {
        let outcome = try await LocalProgram.outcome(
            "promtool",
            ["check", "metrics"],
            input: Array("a{ 1\n".utf8)
        )
        #expect(outcome.status != 0)
    }
}
