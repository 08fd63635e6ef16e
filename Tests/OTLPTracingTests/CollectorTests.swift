import NIOHTTP1
import SwiftProtobuf
import TestSupport
import Testing
import Tracing

@testable import OTLPTracing

/// With real collectors on loopback. Times here are limits that only failures reach, or are made to pass by being short.
@Suite("The exporter")
struct CollectorTests {
    private let quick: RetryPolicy = {
        var policy = RetryPolicy()
        policy.base = .milliseconds(1)
        return policy
    }()

    @Test("sends what was recorded, field by field")
    func success() async throws {
        let collector = try await Collector.start()
        let tracer = try collector.tracer([
            "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test%20ground",
        ])
        let remote = try #require(
            TraceContext(traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", traceState: "a=1")
        )
        try await whileRunning(tracer) {
            let span = tracer.startSpan("GET /v1/things", parent: remote, ofKind: .server, atNanoseconds: 5)
            span.setAttribute("http.response.status_code", to: 200)
            span.setAttribute("ratio", to: 0.5)
            span.setAttribute("flags", to: .boolArray([true, false]))
            span.addEvent(
                SpanEvent(
                    name: "found",
                    at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 6),
                    attributes: ["n": 3]
                )
            )
            span.addLink(SpanLink(context: span.context, attributes: ["why": "because"]))
            span.setStatus(SpanStatus(code: .error, message: "no"))
            span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 7))
            #expect(await tracer.flush(within: .seconds(20)))
        }
        let received = try #require(await collector.nextRequest())
        #expect(received.head.method == .POST && received.head.uri == "/v1/traces")
        #expect(received.head.headers["Content-Type"] == ["application/x-protobuf"])
        #expect(received.head.headers["User-Agent"].first?.hasPrefix("OTel-OTLP-Exporter-Swift/") == true)
        #expect(!received.head.headers.contains(name: "Content-Encoding"))
        #expect(!received.head.headers.contains(name: "traceparent"))
        let resource = try #require(try received.message.resourceSpans.first).resource
        let attributes = Dictionary(uniqueKeysWithValues: resource.attributes.map { ($0.key, $0.value.stringValue) })
        #expect(attributes["service.name"] == "shop" && attributes["deployment.environment.name"] == "test ground")
        #expect(attributes["telemetry.sdk.language"] == "swift")
        let span = try #require(try received.spans.first)
        #expect(Array(span.traceID) == remote.traceID.bytes && Array(span.parentSpanID) == remote.spanID.bytes)
        #expect(span.spanID.count == 8 && span.traceState == "a=1" && span.flags == 0x301 && span.kind == .server)
        #expect(span.name == "GET /v1/things" && span.startTimeUnixNano == 5 && span.endTimeUnixNano == 7)
        #expect(span.attributes.map(\.key) == ["http.response.status_code", "ratio", "flags"])
        #expect(span.attributes[0].value.intValue == 200 && span.attributes[1].value.doubleValue == 0.5)
        #expect(span.attributes[2].value.arrayValue.values.map(\.boolValue) == [true, false])
        #expect(span.events.map(\.name) == ["found"] && span.events[0].attributes[0].value.intValue == 3)
        #expect(span.events[0].timeUnixNano == 6)
        #expect(span.links[0].spanID == span.spanID && span.links[0].attributes[0].value.stringValue == "because")
        #expect(span.status.code == .error && span.status.message == "no")
        #expect(tracer.statistics?.exported == 1)
    }

    @Test("compresses, and sends the header fields of the configuration, to the endpoint for traces as it is")
    func gzip() async throws {
        let collector = try await Collector.start()
        let tracer = try collector.tracer([
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:\(collector.port)/x/y?key=1",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20abc, X-Team = a%2Cb ,User-Agent=mine",
        ])
        try await whileRunning(tracer) { tracer.record((0..<300).map { "span number \($0)" }) }
        let received = try #require(await collector.nextRequest())
        #expect(received.head.uri == "/x/y?key=1")
        #expect(received.head.headers["Content-Encoding"] == ["gzip"])
        #expect(received.head.headers["Authorization"] == ["Bearer abc"])
        #expect(received.head.headers["X-Team"] == ["a,b"] && received.head.headers["User-Agent"] == ["mine"])
        let length = try #require(received.head.headers["Content-Length"].first.flatMap { Int($0) })
        // Ids do not compress.
        #expect(length < received.body.count * 2 / 3)
        #expect(try received.spans.map(\.name) == (0..<300).map { "span number \($0)" })
    }

    @Test("sends again when the collector is overloaded, or hangs up")
    func retries() async throws {
        let collector = try await Collector.start([.respond(.serviceUnavailable, ["Retry-After": "0"]), .hangUp])
        let tracer = try collector.tracer(retries: quick)
        try await whileRunning(tracer) {
            tracer.record(["a"])
            #expect(await tracer.flush(within: .seconds(20)))
        }
        for _ in 0..<3 { #expect(try await collector.nextRequest()?.spans.map(\.name) == ["a"]) }
        #expect(tracer.statistics?.exported == 1)
    }

    @Test("neither follows a redirection nor sends again what is refused")
    func refusal() async throws {
        let collector = try await Collector.start([
            .respond(.temporaryRedirect, ["Location": "/elsewhere"]), .respond(.badRequest),
        ])
        let tracer = try collector.tracer(retries: quick)
        try await whileRunning(tracer) {
            for name in ["a", "b", "c"] {
                tracer.record([name])
                #expect(await tracer.flush(within: .seconds(20)))
            }
        }
        for name in ["a", "b", "c"] {
            let request = try #require(await collector.nextRequest())
            #expect(try request.head.uri == "/v1/traces" && request.spans.map(\.name) == [name])
        }
        #expect(tracer.statistics?.exported == 1 && tracer.statistics?.dropped[.refused] == 2)
    }

    @Test("believes a collector whose certificate it was told to trust, and no other")
    func certificates() async throws {
        let certificates = try await Certificates()
        // Its files go with it.
        defer { withExtendedLifetime(certificates) {} }
        let collector = try await Collector.start(certificates: certificates)
        var retries = quick
        retries.attempts = 1
        for (file, isTrusted) in [(certificates.authority, true), (certificates.stranger, false)] {
            let tracer = try collector.tracer(
                [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost:\(collector.port)",
                    "OTEL_EXPORTER_OTLP_CERTIFICATE": file,
                ],
                retries: retries
            )
            try await whileRunning(tracer) {
                tracer.record(["a"])
                #expect(await tracer.flush(within: .seconds(20)))
            }
            #expect(tracer.statistics?.exported == (isTrusted ? 1 : 0))
            #expect(tracer.statistics?.dropped[.unavailable] == (isTrusted ? 0 : 1))
        }
    }

    @Test("does without an answer that is too long")
    func longAnswer() async throws {
        let collector = try await Collector.start([.respond(.ok, [:], [UInt8](repeating: 0, count: 1 << 20))])
        let tracer = try collector.tracer()
        try await whileRunning(tracer) { tracer.record(["a"]) }
        #expect(tracer.statistics?.exported == 1)
    }

    @Test("counts spans as lost when nobody listens, and says it in one line without secrets")
    func deadCollector() async throws {
        // Nobody listens any more where this one has.
        let port = try await Collector.start().port
        let collector = try await Collector.start()
        let logs = LogRecorder()
        var retries = quick
        retries.attempts = 3
        let tracer = try collector.tracer(
            [
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:\(port)/?key=hidden",
                "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=hidden",
            ],
            retries: retries,
            logs: logs
        )
        try await whileRunning(tracer) {
            tracer.record(["a", "b"])
            #expect(await tracer.flush(within: .seconds(20)))
            tracer.record(["c"])
            #expect(await tracer.flush(within: .seconds(20)))
        }
        #expect(tracer.statistics?.dropped[.unavailable] == 3)
        #expect(logs.lines.count { $0.hasPrefix("warning") } == 1)
        #expect(!logs.lines.contains { $0.contains("hidden") })
    }

    @Test("waits for a slow collector no longer than a request may take")
    func slowCollector() async throws {
        let collector = try await Collector.start([.nothing, .nothing])
        var retries = quick
        retries.attempts = 2
        let tracer = try collector.tracer(["OTEL_EXPORTER_OTLP_TIMEOUT": "50"], retries: retries)
        try await whileRunning(tracer) {
            tracer.record(["a"])
            #expect(await tracer.flush(within: .seconds(20)))
            #expect(tracer.statistics?.dropped[.unavailable] == 1)
        }
    }

    @Test("waits for the end of an answer no longer than a request may take, and believes its status")
    func stalledAnswer() async throws {
        let collector = try await Collector.start([.stall])
        let tracer = try collector.tracer(["OTEL_EXPORTER_OTLP_TIMEOUT": "500"])
        try await whileRunning(tracer) {
            tracer.record(["a"])
            #expect(await tracer.flush(within: .seconds(9)))
            #expect(tracer.statistics?.exported == 1)
        }
    }

    @Test("waits for a batch no longer than exporting may take")
    func slowExport() async throws {
        let collector = try await Collector.start([.nothing])
        let tracer = try collector.tracer(["OTEL_BSP_EXPORT_TIMEOUT": "50"])
        try await whileRunning(tracer) {
            tracer.record(["a"])
            #expect(await tracer.flush(within: .seconds(20)))
            #expect(tracer.statistics?.dropped[.timedOut] == 1)
        }
    }

    @Test("exports what is left at shutdown")
    func shutdown() async throws {
        let collector = try await Collector.start()
        let tracer = try collector.tracer(["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"])
        try await whileRunning(tracer) { tracer.record(["a", "b", "c"]) }
        #expect(try await collector.nextRequest()?.spans.map(\.name) == ["a", "b"])
        #expect(try await collector.nextRequest()?.spans.map(\.name) == ["c"])
        #expect(tracer.statistics?.exported == 3)
    }

    @Test("does not keep the process from stopping when the collector is silent")
    func silentShutdown() async throws {
        let collector = try await Collector.start([.nothing])
        let tracer = try collector.tracer(shutdownTimeout: .milliseconds(50))
        let start = ContinuousClock.now
        try await whileRunning(tracer) { tracer.record(["a", "b", "c"]) }
        // A request alone may take ten seconds.
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(tracer.statistics?.dropped[.shutdown] == 3)
    }
}
