import Testing

@testable import PrometheusMetrics

@Suite("Names")
struct NameTests {
    @Test(
        "of metrics become what Prometheus takes",
        arguments: [
            ("http.server-requests", "http_server_requests"), ("9lives", "_9lives"), ("a:b", "a:b"), ("", "_"),
            ("größe", "gr__e"), ("👩‍👩‍👧", "_"), ("a\r\nb", "a_b"), ("a b\"c", "a_b_c"), ("__x", "__x"),
        ]
    )
    func metrics(_ given: String, _ name: String) {
        #expect(MetricNames.metric(given) == name)
    }

    @Test(
        "of labels have no colon and one leading underscore at most",
        arguments: [
            ("http.route", "http_route"), ("a:b", "a_b"), ("__name__", "_name__"), ("_x", "_x"), ("1", "_1"), ("", "_"),
            ("____", "_"),
        ]
    )
    func labels(_ given: String, _ name: String) {
        #expect(MetricNames.label(given) == name)
    }

    @Test("are bounded in length")
    func length() {
        let long = String(repeating: "é", count: 10_000)
        #expect(MetricNames.metric(long).utf8.count == 256)
        #expect("aé👍b".truncated(toBytes: 6) == "aé")
        #expect("aé👍b".truncated(toBytes: 7) == "aé👍")
        #expect("aé👍b".truncated(toBytes: 0) == "")
    }

    @Test("of families end with their unit once, and have no _total")
    func families() {
        func name(_ kind: FamilyDescription.Kind, _ name: String, _ unit: String?) -> String {
            FamilyDescription(kind, name, help: "", unit: unit).name
        }
        #expect(name(.counter, "process_cpu_seconds_total", "seconds") == "process_cpu_seconds")
        #expect(name(.counter, "process_cpu", "seconds") == "process_cpu_seconds")
        #expect(name(.counter, "_total", nil) == "_total")
        #expect(name(.histogram, "wait", "seconds") == "wait_seconds")
        #expect(name(.histogram, "wait.seconds", "seconds") == "wait_seconds")
        #expect(name(.gauge, "bytes", "bytes") == "bytes")
        #expect(FamilyDescription(.gauge, "bytes", help: "", unit: "bytes").unit == nil)
        #expect(name(.gauge, "rows_total", nil) == "rows_total")
        #expect(name(.gauge, "rows", "") == "rows")
    }
}
