import Testing

@testable import PrometheusMetrics

@Suite("The format of an exposition")
struct NegotiationTests {
    @Test(
        "is what a Prometheus server wants most",
        arguments: [
            // 2.42
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            // 2.5x
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            // 3.x, with native histograms
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
                + "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        ]
    )
    func prometheus(_ field: String) {
        #expect(ExpositionFormat.negotiate(accept: [field]) == .openMetrics)
        let lines = field.split(separator: ",").map(String.init)
        #expect(ExpositionFormat.negotiate(accept: lines) == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: lines.reversed()) == .openMetrics)
    }

    @Test(
        "is text unless something else is liked better",
        arguments: [
            "", "*/*", "text/plain", "text/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4", "text/plain, application/openmetrics-text", "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0, */*;q=0.1",
            "application/openmetrics-text;q=0.4, text/plain;q=0.5", "application/openmetrics-text;q=x",
            "application/openmetrics-text;q=1.5", "application/openmetrics-text;q=0.1234",
            "application/openmetrics-text;q=", ";;,,;q=1", "\"", "*/*, application/openmetrics-text;q=0.5",
        ]
    )
    func text(_ field: String) {
        #expect(ExpositionFormat.negotiate(accept: [field]) == .text)
    }

    @Test(
        "is OpenMetrics for those who like it better, however they write that",
        arguments: [
            "application/openmetrics-text", "Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.001",
            "application/*", "text/plain;q=0.5, application/openmetrics-text;q=0.6", "text/plain;q=0, */*",
            "application/openmetrics-text, */*", "text/plain;version=1.0.0, application/openmetrics-text;q=0.1",
            "\tapplication/openmetrics-text;charset=utf-8;x=\"a,b;c\\\"\";q=1.000, text/plain;q=0.9",
        ]
    )
    func openMetrics(_ field: String) {
        #expect(ExpositionFormat.negotiate(accept: [field]) == .openMetrics)
    }

    @Test("is text when no field says anything")
    func absent() {
        #expect(ExpositionFormat.negotiate(accept: []) == .text)
    }

    @Test("is announced exactly")
    func contentTypes() {
        #expect(ExpositionFormat.text.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            ExpositionFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
    }
}
