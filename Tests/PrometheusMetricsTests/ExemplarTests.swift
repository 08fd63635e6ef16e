import Testing

@testable import PrometheusMetrics

@Suite("Exemplars")
struct ExemplarTests {
    private let registry = PrometheusRegistry()
    private let trace = "0af7651916cd43dd8448eb211c80319c"
    private let span = "00f067aa0ba902b7"

    @Test("stand behind the buckets of their values, in OpenMetrics only")
    func shown() throws {
        let histogram = registry.histogram("h", help: "H.", labels: [("a", "b")], buckets: [1, 2])
        let exemplar = try #require(Exemplar(traceID: trace, spanID: span, time: 1_520_879_607.789))
        histogram.observe(0.5, exemplar: exemplar)
        histogram.observe(3, exemplar: Exemplar(traceID: 1, spanID: 2))
        histogram.observe(1.5, exemplar: nil)
        let expected = """
            # HELP h H.
            # TYPE h histogram
            h_bucket{a="b",le="1.0"} 1 # {trace_id="\(trace)",span_id="\(span)"} 0.5 1520879607.789
            h_bucket{a="b",le="2.0"} 2
            h_bucket{a="b",le="+Inf"} 3 # {trace_id="00000000000000000000000000000001",span_id="0000000000000002"} 3
            h_sum{a="b"} 5
            h_count{a="b"} 3
            # EOF

            """
        #expect(registry.shown(.openMetrics) == expected)
        #expect(!registry.shown(.text).contains("trace_id"))
    }

    @Test("are kept one for each bucket, the newest")
    func newest() {
        let histogram = registry.histogram("h", help: "H.", buckets: [1])
        for index in 1...100 { histogram.observe(0.5, exemplar: Exemplar(traceID: 7, spanID: UInt64(index))) }
        #expect(histogram.keptExemplars[0]?.exemplar.spanID == 100)
        #expect(histogram.keptExemplars[1] == nil)
        #expect(registry.shown(.openMetrics).split(separator: "\n").count { $0.contains("trace_id") } == 1)
    }

    @Test("belong to values that are counted", arguments: [Double.nan, -1, .infinity])
    func oddValues(_ value: Double) {
        let histogram = registry.histogram("h", help: "H.", buckets: [1])
        histogram.observe(value, exemplar: Exemplar(traceID: 7, spanID: 8, time: .nan))
        let lines = registry.shown(.openMetrics).split(separator: "\n").filter { $0.contains("trace_id") }
        switch value {
        case -1: #expect(lines.map { $0.prefix(20) } == [#"h_bucket{le="1.0"} 1"#])
        case .infinity: #expect(lines.map { $0.suffix(7) } == [#""} +Inf"#])
        default: #expect(lines.isEmpty)
        }
    }

    @Test("are made only of identifiers of the right length and alphabet")
    func identifiers() throws {
        let exemplar = try #require(Exemplar(traceID: trace, spanID: span))
        #expect(exemplar == Exemplar(traceID: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, spanID: 0x00f0_67aa_0ba9_02b7))
        for (trace, span) in [
            ("", ""), (trace, ""), (trace + "0", span), (trace, "+0f067aa0ba902b7"), ("+" + trace.dropFirst(), span),
            (trace, "00f067aa0ba902bg"), ("é" + trace.dropFirst(2), span),
        ] {
            #expect(Exemplar(traceID: trace, spanID: span) == nil)
        }
    }

    @Test("of many threads are never torn")
    func threads() {
        let histogram = registry.histogram("h", help: "H.", buckets: [0.5])
        onThreads(8) { thread in
            for index in 0..<5000 {
                let number = UInt64(thread * 10_000 + index)
                histogram.observe(Double(number), exemplar: Exemplar(traceID: UInt128(number), spanID: number))
            }
        }
        let entry = histogram.keptExemplars[1]
        #expect(entry.map { UInt64($0.exemplar.traceID) } == entry?.exemplar.spanID)
        #expect(entry.map { UInt64($0.value) } == entry?.exemplar.spanID)
        #expect(histogram.count == 40_000)
    }
}
