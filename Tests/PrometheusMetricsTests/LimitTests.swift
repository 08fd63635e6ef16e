import Testing

@testable import PrometheusMetrics

@Suite("Limits")
struct LimitTests {
    @Test("on series send what is beyond to one more series, and count it")
    func series() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 2))
        let family = registry.counter("c", help: "C.", labelNames: ["x", "y"])
        for index in 0..<10 { family.with("\(index)", "v").increment() }
        family.with("0", "v").increment()
        #expect(family.with("8", "v") === family.with("9", "v"))
        #expect(
            registry.shown(.text) == """
                # HELP c_total C.
                # TYPE c_total counter
                c_total{x="0",y="v"} 2
                c_total{x="1",y="v"} 1
                c_total{x="_overflow",y="_overflow"} 8

                """
        )
        #expect(registry.overflows("series") == "10")
    }

    @Test("on series never show the shared one twice")
    func sharedSeries() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 1))
        let family = registry.gauge("g", help: "G.", labelNames: ["x"])
        let named = family.with("_overflow")
        _ = family.with("1")
        #expect(family.with("2") === named)
        #expect(registry.shown(.text).split(separator: "\n").count == 4)
    }

    @Test("on series make room when one is removed")
    func room() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 1))
        let family = registry.counter("c", help: "C.", labelNames: ["x"])
        _ = family.with("1")
        family.remove(["1"])
        family.with("2").increment()
        #expect(registry.sample(#"c_total{x="2"}"#) == "1")
        #expect(registry.overflows("series") == "0")
    }

    @Test("on series hold for values that are read late")
    func lateSeries() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 2))
        registry.gauge("g", help: "G.", labelNames: ["x"]) {
            (0..<5).map { PrometheusSample(["\($0)"], value: Double($0)) }
        }
        #expect(registry.shown(.text).split(separator: "\n").count == 4)
        #expect(registry.overflows("series") == "6")
    }

    @Test("on families leave metrics that work and are not shown")
    func families() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(families: 2))
        _ = registry.counter("a", help: "A.")
        registry.gauge("b", help: "B.") { 1 }
        let counter = registry.counter("c", help: "C.")
        counter.increment()
        #expect(counter.value == 1)
        let family = registry.histogram("d", help: "D.", labelNames: ["x"])
        family.with("1").observe(1)
        #expect(family.with("1").count == 1)
        registry.gauge("e", help: "E.") { 1 }
        _ = registry.counter("a", help: "A.")
        let samples = registry.shown(.text).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(samples == ["a_total 0", "b 1"])
        #expect(registry.overflows("families") == "3")
    }

    @Test("on labels leave metrics that work and are not shown")
    func labels() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(labels: 2))
        let counter = registry.counter("c", help: "C.", labels: [("a", ""), ("b", ""), ("c", "")])
        counter.increment()
        #expect(counter.value == 1)
        #expect(registry.shown(.text) == "")
        #expect(registry.conflicts("too_many_labels") == "1")
    }

    @Test("on values of labels cut them at the end of a character")
    func labelValues() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(labelValueBytes: 4))
        let family = registry.counter("c", help: "C.", labelNames: ["x"])
        family.with("abc👍").increment()
        #expect(family.with("abc👍d") === family.with("abc"))
        #expect(registry.sample(#"c_total{x="abc"}"#) == "1")
        family.remove(["abc👍"])
        #expect(registry.shown(.text) == "")
    }

    @Test("on buckets keep the first ones and count that")
    func buckets() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(buckets: 2))
        let histogram = registry.histogram("h", help: "H.", buckets: [1, 2, 3])
        histogram.observe(2.5)
        #expect(Array(histogram.cells.counts) == [0, 0, 1])
        #expect(registry.shown(.text).split(separator: "\n").count == 7)
        #expect(registry.conflicts("buckets") == "1")
    }

    @Test("that make no sense become the nearest that do")
    func nonsense() {
        let limits = PrometheusLimits(
            families: -1,
            seriesPerFamily: -1,
            labels: -1,
            labelValueBytes: -1,
            buckets: -1,
            shards: -1
        )
        let registry = PrometheusRegistry(limits: limits)
        registry.counter("c", help: "C.").increment()
        #expect(registry.shown(.text) == "")
        #expect((1...64).contains(PrometheusLimits.defaultShards))
    }
}
