import CoreMetrics
import Testing

@testable import PrometheusMetrics

@Suite("Metrics of swift-metrics")
struct FactoryTests {
    private let registry = PrometheusRegistry()

    private func factory(
        _ buckets: BucketPolicy = BucketPolicy(timers: [1], recorders: [10])
    ) -> PrometheusMetricsFactory {
        PrometheusMetricsFactory(registry: registry, buckets: buckets) { $0 == "a.b" ? "What it means." : nil }
    }

    @Test("have the kinds and names of Prometheus")
    func kinds() {
        let factory = factory()
        Counter(label: "a.b", dimensions: [("x.y", "1")], factory: factory).increment(by: 3)
        FloatingPointCounter(label: "f", factory: factory).increment(by: 1.5)
        Meter(label: "m", factory: factory).set(4)
        Gauge(label: "g", factory: factory).record(5)
        Recorder(label: "r", factory: factory).record(7)
        Timer(label: "t", factory: factory).recordMilliseconds(1500)
        let expected = """
            # HELP a_b_total What it means.
            # TYPE a_b_total counter
            a_b_total{x_y="1"} 3
            # HELP f_total f
            # TYPE f_total counter
            f_total 1.5
            # HELP g g
            # TYPE g gauge
            g 5
            # HELP m m
            # TYPE m gauge
            m 4
            # HELP r r
            # TYPE r histogram
            r_bucket{le="10.0"} 1
            r_bucket{le="+Inf"} 1
            r_sum 7
            r_count 1
            # HELP t_seconds t
            # TYPE t_seconds histogram
            t_seconds_bucket{le="1.0"} 0
            t_seconds_bucket{le="+Inf"} 1
            t_seconds_sum 1.5
            t_seconds_count 1

            """
        #expect(registry.shown(.text) == expected)
    }

    @Test("of one label and the same dimensions are one")
    func deduplication() {
        let factory = factory()
        let one = factory.makeTimer(label: "t", dimensions: [("a", "1"), ("b", "2")])
        #expect(factory.makeTimer(label: "t", dimensions: [("b", "2"), ("a", "1")]) === one)
        #expect(factory.makeTimer(label: "t", dimensions: [("a", "2"), ("b", "2")]) !== one)
        let counter = factory.makeCounter(label: "c", dimensions: [])
        #expect(factory.makeFloatingPointCounter(label: "c", dimensions: []) === counter)
        #expect(registry.counter("c", help: "C.") === counter)
    }

    @Test("go up and down natively")
    func meters() {
        let meter = Meter(label: "m", factory: factory())
        meter.increment(by: 5)
        meter.decrement(by: 2.5)
        #expect(registry.sample("m") == "2.5")
        meter.set(-3)
        #expect(registry.sample("m") == "-3")
    }

    @Test("are gone when they are destroyed")
    func destruction() {
        let factory = factory()
        let metrics: [() -> Void] = [
            { [registry] in
                let counter = Counter(label: "c", factory: factory)
                #expect(registry.shown(.text) != "")
                counter.destroy()
            },
            { FloatingPointCounter(label: "f", factory: factory).destroy() },
            { Meter(label: "m", factory: factory).destroy() },
            { Gauge(label: "g", factory: factory).destroy() },
            { Recorder(label: "r", factory: factory).destroy() },
            { Timer(label: "t", dimensions: [("a", "1")], factory: factory).destroy() },
        ]
        for make in metrics {
            make()
            #expect(registry.shown(.text) == "")
        }
        Counter(label: "c", factory: factory).increment()
        #expect(registry.sample("c_total") == "1")
    }

    @Test("of another factory are not destroyed")
    func foreignHandlers() {
        let factory = factory()
        factory.makeCounter(label: "c", dimensions: []).increment(by: 1)
        let other = PrometheusMetricsFactory(registry: PrometheusRegistry())
        factory.destroyCounter(other.makeCounter(label: "c", dimensions: []))
        factory.destroyCounter(NOOPMetricsHandler.instance)
        #expect(registry.sample("c_total") == "1")
    }

    @Test("that contradict each other work and are counted")
    func conflicts() {
        let factory = factory()
        Counter(label: "x", factory: factory).increment()
        Gauge(label: "x", factory: factory).record(5)
        Counter(label: "x", dimensions: [("a", "1")], factory: factory).increment()
        Recorder(label: "y", dimensions: [("le", "1"), ("le", "2")], factory: factory).record(1)
        #expect(registry.sample("x_total") == "1")
        #expect(registry.sample(#"y_bucket{exported_le="1",le="10.0"}"#) == "1")
        #expect(registry.conflicts("name") == "1")
        #expect(registry.conflicts("labels") == "1")
        #expect(registry.conflicts("duplicate_label") == "1")
        #expect(registry.conflicts("reserved_label") == "1")
    }

    @Test("have the buckets that are meant for their label or name")
    func buckets() {
        let policy = BucketPolicy(
            timers: [1],
            recorders: [2],
            overrides: ["http.duration": [3], "queue_wait_seconds": [4], "size": [5]]
        )
        #expect(policy.buckets(for: "http.duration", kind: .timer) == [3])
        #expect(policy.buckets(for: "http_duration_seconds", kind: .timer) == [3])
        #expect(policy.buckets(for: "queue.wait", kind: .timer) == [4])
        #expect(policy.buckets(for: "size", kind: .recorder) == [5])
        #expect(policy.buckets(for: "other", kind: .recorder) == [2])
        #expect(policy.buckets(for: "other", kind: .timer) == [1])
        Timer(label: "queue.wait", factory: factory(policy)).recordSeconds(4)
        #expect(registry.sample(#"queue_wait_seconds_bucket{le="4.0"}"#) == "1")
    }

    @Test("reset counters")
    func reset() {
        let counter = Counter(label: "c", factory: factory())
        counter.increment(by: 3)
        counter.reset()
        #expect(registry.sample("c_total") == "0")
    }
}
