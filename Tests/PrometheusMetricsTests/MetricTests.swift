import TestSupport
import Testing

@testable import PrometheusMetrics

@Suite("Metrics")
struct MetricTests {
    private let registry = PrometheusRegistry()

    @Test("of the same name and labels are the same one, whatever the order of labels")
    func deduplication() {
        let one = registry.counter("c", help: "C.", labels: [("a", "1"), ("b", "2")])
        #expect(registry.counter("c_total", help: "Other.", labels: [("b", "2"), ("a", "1")]) === one)
        #expect(registry.counter("c", help: "C.", labelNames: ["a", "b"]).with("1", "2") === one)
        #expect(registry.counter("c", help: "C.", labels: [("a", "1"), ("b", "3")]) !== one)
        #expect(registry.histogram("h", help: "H.") === registry.histogram("h", help: "H."))
        #expect(registry.gauge("g", help: "G.") === registry.gauge("g", help: "G."))
        #expect(registry.conflicts("labels") == "0")
    }

    @Test("that declare label names in their own order meet those that name their labels")
    func declaredOrder() {
        let family = registry.counter("c", help: "C.", labelNames: ["z", "a"])
        #expect(registry.counter("c", help: "C.", labels: [("a", "1"), ("z", "2")]) === family.with("2", "1"))
        family.with("2", "1").increment()
        #expect(registry.sample(#"c_total{z="2",a="1"}"#) == "1")
    }

    @Test("that count ignore what is not positive and finite")
    func ignoredIncrements() {
        let counter = registry.counter("c", help: "C.")
        counter.increment(by: -1)
        counter.increment(by: Int64.min)
        counter.increment(by: 0)
        for amount in [-0.5, .nan, .infinity, -.infinity] { counter.increment(by: amount) }
        #expect(counter.value == 0)
        counter.increment(by: 2)
        counter.increment(by: 0.25)
        #expect(counter.value == 2.25)
        counter.reset()
        #expect(counter.value == 0)
    }

    @Test("that count stay at the largest number")
    func saturation() {
        let counter = registry.counter("c", help: "C.")
        for _ in 0..<5 { counter.increment(by: Int.max) }
        #expect(registry.sample("c_total") == "18446744073709551615")
        let real = registry.counter("r", help: "R.")
        for _ in 0..<3 { real.increment(by: Double.greatestFiniteMagnitude) }
        #expect(real.value == .greatestFiniteMagnitude)
        let histogram = registry.histogram("h", help: "H.")
        for _ in 0..<3 { histogram.observe(.greatestFiniteMagnitude) }
        #expect(histogram.sum == .greatestFiniteMagnitude)
        #expect(histogram.count == 3)
    }

    @Test("that go up and down take any value and ignore steps of NaN")
    func gauges() {
        let gauge = registry.gauge("g", help: "G.")
        gauge.increment()
        gauge.increment(by: 2.5)
        gauge.decrement()
        gauge.increment(by: .nan)
        #expect(gauge.value == 2.5)
        gauge.set(7)
        #expect(gauge.value == 7)
        gauge.set(-Double.infinity)
        #expect(registry.sample("g") == "-Inf")
        gauge.set(.nan)
        #expect(registry.sample("g") == "NaN")
    }

    @Test("that measure count every value in the first bucket that holds it")
    func buckets() {
        let histogram = registry.histogram("h", help: "H.", buckets: [1, 2, 5])
        for value in [0, 1, 1.5, 2, 5, 5.5, .infinity] { histogram.observe(value) }
        #expect(Array(histogram.cells.counts) == [2, 2, 1, 2])
        #expect(histogram.sum == 15)
    }

    @Test("that measure ignore NaN and take negative values for zero")
    func oddObservations() {
        let histogram = registry.histogram("h", help: "H.", buckets: [0, 1])
        histogram.observe(.nan)
        #expect(histogram.count == 0)
        histogram.observe(-4)
        histogram.observe(-.infinity)
        #expect(Array(histogram.cells.counts) == [2, 0, 0])
        #expect(histogram.sum == 0)
        histogram.observe(.milliseconds(1500))
        #expect(histogram.sum == 1.5)
    }

    @Test("that measure find buckets as a linear search does")
    func bucketSearch() {
        var generator = SeededGenerator(seed: 3)
        for count in 0..<40 {
            let bounds = (0..<count).map { _ in Double(Int.random(in: -50...50, using: &generator)) }
            let buckets = PrometheusBuckets(bounds)
            for _ in 0..<200 {
                let value = Double(Int.random(in: -120...120, using: &generator)) / 2
                let expected = buckets.bounds.firstIndex { value <= $0 } ?? buckets.bounds.count
                #expect(buckets.position(of: value) == expected)
            }
        }
    }

    @Test("have buckets in order, finite and each once")
    func bucketBounds() {
        #expect(PrometheusBuckets([5, 1, .infinity, .nan, 1, -.infinity, -0.0, 0]).bounds == [0, 1, 5])
        #expect(PrometheusBuckets.exponential(start: 1, factor: 4, count: 4).bounds == [1, 4, 16, 64])
        #expect(PrometheusBuckets.linear(start: 1, step: 2, count: 3).bounds == [1, 3, 5])
        #expect(PrometheusBuckets.linear(start: 1, step: 2, count: -3).bounds == [])
        #expect(PrometheusBuckets.exponential(start: 1, factor: 1.01, count: .max).bounds.count == 1000)
    }

    @Test("that are removed are not shown, and come back at zero")
    func removal() {
        let family = registry.counter("c", help: "C.", labelNames: ["x"])
        let old = family.with("1")
        old.increment()
        family.with("2").increment(by: 5)
        family.remove(["1"])
        old.increment()
        #expect(registry.sample(#"c_total{x="1"}"#) == nil)
        #expect(registry.sample(#"c_total{x="2"}"#) == "5")
        #expect(family.with("1") !== old)
        #expect(registry.sample(#"c_total{x="1"}"#) == "0")
    }
}
