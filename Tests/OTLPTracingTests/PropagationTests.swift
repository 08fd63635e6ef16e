import TestSupport
import Testing
import Tracing

@testable import OTLPTracing

private struct Fields: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}

private let incoming = [
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1,b=2",
]

@Suite("A tracer")
struct PropagationTests {
    private func tracer(_ variables: [String: String] = [:]) throws -> OTLPTracer {
        let configuration = try OTLPTracingConfiguration(serviceName: "test") { variables[$0] }
        return try OTLPTracer(configuration: configuration, logger: LogRecorder().logger)
    }

    @Test("hands a trace on, with its own span as the parent and the state untouched")
    func handsOn() throws {
        let tracer = try tracer()
        var context = ServiceContext.topLevel
        tracer.extract(incoming, into: &context, using: Fields())
        let span = tracer.startSpan("a", context: context, ofKind: .server)
        var outgoing: [String: String] = [:]
        tracer.inject(span.context, into: &outgoing, using: Fields())
        let own = try #require(span.traceContext)
        #expect(outgoing["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-\(own.spanID)-01")
        #expect(outgoing["tracestate"] == "a=1,b=2")
        #expect(own.spanID.description != "b7ad6b7169203331" && !own.isRemote)
        span.end()
    }

    @Test("gives a span that is not sampled a valid context, too")
    func unsampled() throws {
        let tracer = try tracer(["OTEL_TRACES_SAMPLER": "always_off"])
        let span = tracer.startSpan("a", context: .topLevel)
        var outgoing: [String: String] = [:]
        tracer.inject(span.context, into: &outgoing, using: Fields())
        let own = try #require(span.traceContext)
        #expect(outgoing == ["traceparent": "00-\(own.traceID)-\(own.spanID)-00"])
        #expect(!span.isRecording)
        let child = tracer.startSpan("b", context: span.context)
        #expect(child.traceContext?.traceID == own.traceID && child.traceContext?.spanID != own.spanID)
    }

    @Test("without an endpoint hands traces on and exports nothing")
    func withoutEndpoint() async throws {
        let tracer = try tracer()
        #expect(!tracer.exports && tracer.statistics == nil)
        let span = tracer.startSpan("a", parent: nil, ofKind: .server)
        #expect(span.traceContext?.isSampled == true && !span.isRecording)
        span.end()
        try await whileRunning(tracer) {
            #expect(await tracer.flush(within: .seconds(1)))
        }
    }

    @Test("leaves the context alone when a field is missing or malformed")
    func malformed() throws {
        let tracer = try tracer()
        for carrier in [[:], ["tracestate": "a=1"], ["traceparent": "00-0-0-00"]] {
            var context = ServiceContext.topLevel
            tracer.extract(carrier, into: &context, using: Fields())
            #expect(context.isEmpty)
        }
    }

    @Test("without propagators neither reads nor writes")
    func noPropagators() throws {
        let tracer = try tracer(["OTEL_PROPAGATORS": "none"])
        var context = ServiceContext.topLevel
        tracer.extract(incoming, into: &context, using: Fields())
        #expect(context.isEmpty)
        var outgoing: [String: String] = [:]
        tracer.inject(tracer.startSpan("a").context, into: &outgoing, using: Fields())
        #expect(outgoing.isEmpty)
    }

    @Test("that is disabled hands on what came in as it is, and nothing else")
    func disabled() throws {
        let tracer = try tracer(["OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"])
        var context = ServiceContext.topLevel
        #expect(tracer.startSpan("a", context: context).traceContext == nil && !tracer.exports)
        tracer.extract(incoming, into: &context, using: Fields())
        let span = tracer.startSpan("a", context: context)
        var outgoing: [String: String] = [:]
        tracer.inject(span.context, into: &outgoing, using: Fields())
        #expect(outgoing == incoming && !span.isRecording)
    }

    @Test("keeps what else is in a context")
    func otherValues() throws {
        enum Key: ServiceContextKey { typealias Value = Int }
        var context = ServiceContext.topLevel
        context[Key.self] = 7
        #expect(try tracer().startSpan("a", context: context).context[Key.self] == 7)
    }
}
