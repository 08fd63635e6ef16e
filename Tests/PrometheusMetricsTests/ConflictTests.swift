import Testing

@testable import PrometheusMetrics

@Suite("A registry that is asked for the impossible")
struct ConflictTests {
    private let registry = PrometheusRegistry()

    @Test("gives a metric that works when the name belongs to another kind")
    func kind() {
        registry.counter("x", help: "X.").increment()
        let before = registry.shown(.text)
        let gauge = registry.gauge("x", help: "X.")
        gauge.set(3)
        #expect(gauge.value == 3)
        let histogram = registry.histogram("x", help: "X.", labelNames: ["a"]).with("1")
        histogram.observe(3)
        #expect(histogram.count == 1)
        registry.gauge("x", help: "X.") { 5 }
        #expect(registry.shown(.text) == before)
        #expect(registry.conflicts("name") == "3")
    }

    @Test("lets no family have a name that another's samples have")
    func sampleNames() {
        _ = registry.histogram("wait", help: "W.")
        _ = registry.counter("hits", help: "H.")
        let before = registry.shown(.text)
        for name in ["wait_bucket", "wait_sum", "wait_count", "wait_created", "hits_total", "hits_created", "hits"] {
            registry.gauge(name, help: "G.").set(1)
        }
        #expect(registry.shown(.text) == before)
        registry.gauge("late_sum", help: "L.").set(1)
        registry.histogram("late", help: "L.").observe(1)
        #expect(registry.sample("late_sum") == "1")
        #expect(registry.sample("late_count") == nil)
        #expect(registry.conflicts("name") == "8")
    }

    @Test("gives a metric that works when label names differ")
    func labelNames() {
        registry.counter("c", help: "C.", labels: [("a", "1")]).increment()
        let before = registry.shown(.text)
        for labels in [[], [("b", "1")], [("a", "1"), ("b", "1")]] {
            let counter = registry.counter("c", help: "C.", labels: labels)
            counter.increment()
            #expect(counter.value == 1)
        }
        #expect(registry.shown(.text) == before)
        #expect(registry.conflicts("labels") == "3")
        let declared = registry.gauge("g", help: "G.", labelNames: ["a", "b"])
        #expect(registry.gauge("g", help: "G.", labelNames: ["b", "a"]).with("2", "1") !== declared.with("1", "2"))
        #expect(registry.conflicts("labels") == "4")
    }

    @Test("gives a metric that works when values are too few or too many")
    func valueCount() {
        let family = registry.counter("c", help: "C.", labelNames: ["a"])
        for values in [[], ["1", "2"]] {
            let counter = family.with(values)
            counter.increment()
            #expect(counter.value == 1)
        }
        #expect(registry.shown(.text) == "")
        #expect(registry.conflicts("labels") == "2")
    }

    @Test("takes the first of two labels that have the same name in the end")
    func duplicateLabels() {
        registry.counter("c", help: "C.", labels: [("a.b", "1"), ("a_b", "2"), ("c", "3")]).increment()
        #expect(registry.sample(#"c_total{a_b="1",c="3"}"#) == "1")
        let family = registry.counter("d", help: "D.", labelNames: ["a.b", "a-b"])
        family.with("1", "2").increment()
        #expect(family.with("1", "2").value == 1)
        #expect(registry.sample(#"d_total{a_b="1",a_b="2"}"#) == nil)
        #expect(registry.conflicts("duplicate_label") == "2")
    }

    @Test("renames a histogram's label that only the registry may set")
    func reservedLabel() {
        registry.histogram("h", help: "H.", labels: [("le", "x")], buckets: [1]).observe(1)
        #expect(registry.sample(#"h_bucket{exported_le="x",le="1.0"}"#) == "1")
        registry.histogram("i", help: "I.", labelNames: ["le"], buckets: [1]).with("y").observe(1)
        #expect(registry.sample(#"i_bucket{exported_le="y",le="1.0"}"#) == "1")
        registry.counter("c", help: "C.", labels: [("le", "x")]).increment()
        #expect(registry.sample(#"c_total{le="x"}"#) == "1")
        #expect(registry.conflicts("reserved_label") == "2")
    }

    @Test("keeps the buckets that a histogram has")
    func buckets() {
        let first = registry.histogram("h", help: "H.", buckets: [1, 2])
        #expect(registry.histogram("h", help: "H.", buckets: [1, 3]) === first)
        #expect(registry.histogram("h", help: "H.", buckets: [2, 1]) === first)
        #expect(registry.conflicts("buckets") == "1")
    }

    @Test("keeps the first of two closures for a name, and shows no sample twice")
    func closures() {
        registry.gauge("g", help: "G.") { 1 }
        registry.gauge("g", help: "G.") { 2 }
        #expect(registry.sample("g") == "1")
        registry.gauge("h", help: "H.", labelNames: ["x"]) {
            [
                PrometheusSample(["a"], value: 1), PrometheusSample(["a"], value: 2), PrometheusSample([], value: 3),
                PrometheusSample(["a", "b"], value: 4),
            ]
        }
        #expect(registry.shown(.text).split(separator: "\n").count == 6)
        #expect(registry.sample(#"h{x="a"}"#) == "1")
    }

    @Test("shows collectors only what can be read, and survives those that give too little")
    func collectors() {
        struct Odd: PrometheusCollector {
            var families: [FamilyDescription] {
                [
                    FamilyDescription(.histogram, "a", help: "A."),
                    FamilyDescription(.gauge, "b", help: "B."),
                    FamilyDescription(.gauge, "b", help: "B."),
                    FamilyDescription(.gauge, "c", help: "C.", labelNames: ["x", "x"]),
                    FamilyDescription(.gauge, "d", help: "D."),
                ]
            }
            func collect() -> [[PrometheusSample]] {
                [[PrometheusSample(value: 1)], [PrometheusSample(value: 2)], [PrometheusSample(value: 3)]]
            }
        }
        registry.register(Odd())
        #expect(registry.shown(.text) == "# HELP b B.\n# TYPE b gauge\nb 2\n")
    }

    @Test("may be used by the closures that it calls")
    func reentrance() {
        registry.gauge("g", help: "G.") { [registry] in
            registry.counter("c", help: "C.").increment()
            return registry.counter("c", help: "C.").value
        }
        #expect(registry.sample("g") == "1")
        #expect(registry.sample("g") == "2")
    }
}
