import Testing

@testable import PrometheusMetrics

@Suite("An exposition")
struct ExpositionTests {
    private let registry = PrometheusRegistry()

    /// Registered in another order than they are shown in.
    private func fill() {
        let requests = registry.histogram(
            "http_server_request_duration_seconds",
            help: "How long requests took.",
            unit: "seconds",
            labelNames: ["method", "status"],
            buckets: [0.005, 1, 2.5]
        )
        requests.with("POST", "200").observe(7)
        requests.with("GET", "200").observe(0.005)
        requests.with("GET", "200").observe(0.75)
        registry.gauge("active", help: "Now.").set(-2.5)
        registry.counter("bytes_total", help: "Sent.", unit: "bytes").increment(by: 12)
        registry.counter("events", help: "", labels: [("kind", "b")]).increment()
        registry.counter("events", help: "", labels: [("kind", "a")]).increment(by: 1.5)
        registry.gauge("temperature_celsius", help: "Read late.", labelNames: ["at"]) {
            [PrometheusSample(["outside"], value: .nan), PrometheusSample(["inside"], value: 21)]
        }
    }

    @Test("in the text format is sorted, cumulative and complete")
    func text() {
        fill()
        let expected = """
            # HELP active Now.
            # TYPE active gauge
            active -2.5
            # HELP bytes_total Sent.
            # TYPE bytes_total counter
            bytes_total 12
            # TYPE events_total counter
            events_total{kind="a"} 1.5
            events_total{kind="b"} 1
            # HELP http_server_request_duration_seconds How long requests took.
            # TYPE http_server_request_duration_seconds histogram
            http_server_request_duration_seconds_bucket{method="GET",status="200",le="0.005"} 1
            http_server_request_duration_seconds_bucket{method="GET",status="200",le="1.0"} 2
            http_server_request_duration_seconds_bucket{method="GET",status="200",le="2.5"} 2
            http_server_request_duration_seconds_bucket{method="GET",status="200",le="+Inf"} 2
            http_server_request_duration_seconds_sum{method="GET",status="200"} 0.755
            http_server_request_duration_seconds_count{method="GET",status="200"} 2
            http_server_request_duration_seconds_bucket{method="POST",status="200",le="0.005"} 0
            http_server_request_duration_seconds_bucket{method="POST",status="200",le="1.0"} 0
            http_server_request_duration_seconds_bucket{method="POST",status="200",le="2.5"} 0
            http_server_request_duration_seconds_bucket{method="POST",status="200",le="+Inf"} 1
            http_server_request_duration_seconds_sum{method="POST",status="200"} 7
            http_server_request_duration_seconds_count{method="POST",status="200"} 1
            # HELP temperature_celsius Read late.
            # TYPE temperature_celsius gauge
            temperature_celsius{at="inside"} 21
            temperature_celsius{at="outside"} NaN

            """
        #expect(registry.shown(.text) == expected)
    }

    @Test("in OpenMetrics names families without _total, says units and ends with EOF")
    func openMetrics() {
        registry.counter("sent_bytes_total", help: "Sent.", unit: "bytes").increment(by: 12)
        registry.histogram("wait_seconds", help: "Waits.", unit: "seconds", buckets: [1]).observe(0.5)
        let expected = """
            # HELP sent_bytes Sent.
            # TYPE sent_bytes counter
            # UNIT sent_bytes bytes
            sent_bytes_total 12
            # HELP wait_seconds Waits.
            # TYPE wait_seconds histogram
            # UNIT wait_seconds seconds
            wait_seconds_bucket{le="1.0"} 1
            wait_seconds_bucket{le="+Inf"} 1
            wait_seconds_sum 0.5
            wait_seconds_count 1
            # EOF

            """
        #expect(registry.shown(.openMetrics) == expected)
    }

    @Test("of a new registry holds its two own families, all at zero")
    func empty() {
        let expected = """
            # HELP prometheus_metrics_conflicts_total Requests for metrics that contradict others or the format.
            # TYPE prometheus_metrics_conflicts_total counter
            prometheus_metrics_conflicts_total{reason="buckets"} 0
            prometheus_metrics_conflicts_total{reason="duplicate_label"} 0
            prometheus_metrics_conflicts_total{reason="labels"} 0
            prometheus_metrics_conflicts_total{reason="name"} 0
            prometheus_metrics_conflicts_total{reason="reserved_label"} 0
            prometheus_metrics_conflicts_total{reason="too_many_labels"} 0
            # HELP prometheus_metrics_overflow_total Requests for metrics that a limit on families or series has turned away.
            # TYPE prometheus_metrics_overflow_total counter
            prometheus_metrics_overflow_total{limit="families"} 0
            prometheus_metrics_overflow_total{limit="series"} 0

            """
        #expect(registry.whole(.text) == expected)
        #expect(registry.shown(.openMetrics) == "# EOF\n")
    }

    @Test("shows no family that has no series")
    func familyWithoutSeries() {
        _ = registry.counter("a", help: "A.", labelNames: ["x"])
        registry.gauge("b", help: "B.", labelNames: ["x"]) { [] }
        #expect(registry.shown(.text) == "")
    }

    @Test("escapes help and label values, quotes in help only in OpenMetrics")
    func escaping() {
        let value = "a\\b\"c\nd\re é {},="
        registry.gauge("g", help: "A \\ and \"this\"\nand that é.", labels: [("l", value)]).set(1)
        #expect(
            registry.shown(.text) == #"""
                # HELP g A \\ and "this"\nand that é.
                # TYPE g gauge
                g{l="a\\b\"c\nd\#re é {},="} 1

                """#
        )
        #expect(registry.shown(.openMetrics).hasPrefix(#"# HELP g A \\ and \"this\"\nand that é."#))
    }

    @Test("is the same whatever the order of registration")
    func order() {
        let names = ["b", "a_total", "a", "c:d", "B", "_z", "ab"]
        func exposition(_ names: [String]) -> String {
            let registry = PrometheusRegistry()
            for name in names { registry.gauge(name, help: "H.", labels: [("x", "1"), ("y", name)]).set(1) }
            return registry.shown(.openMetrics)
        }
        #expect(exposition(names) == exposition(names.reversed()))
        #expect(exposition(names) == exposition(names.sorted()))
    }

    @Test("leaves sum and count of a histogram with negative bounds out of OpenMetrics")
    func negativeBounds() {
        registry.histogram("drift", help: "D.", buckets: [-1, 0]).observe(-3)
        #expect(registry.sample("drift_sum", .text) == "-3")
        #expect(registry.sample("drift_count", .text) == "1")
        #expect(registry.sample("drift_sum", .openMetrics) == nil)
        #expect(registry.sample("drift_count", .openMetrics) == nil)
        #expect(registry.sample("drift_bucket{le=\"-1.0\"}", .openMetrics) == "1")
    }

    @Test("leaves impossible values out of counters that are read late")
    func impossibleCounters() {
        registry.counter("c", help: "C.", labelNames: ["x"]) {
            [-1, .nan, .infinity, 3].enumerated().map { PrometheusSample(["\($0.offset)"], value: $0.element) }
        }
        #expect(registry.shown(.text) == "# HELP c_total C.\n# TYPE c_total counter\nc_total{x=\"3\"} 3\n")
    }
}
