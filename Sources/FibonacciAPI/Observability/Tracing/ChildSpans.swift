import OTLPTracing
import Tracing

/// Makes spans below that of the request which the present task works for. Where that is not sampled, and there is none, nothing is made.
struct ChildSpans: Sendable {
    /// Nil makes none.
    let tracer: OTLPTracer?

    /// No spans at all.
    static let none = ChildSpans(tracer: nil)

    /// Where spans of this task belong; nil if nothing is recorded.
    var parent: TraceContext? {
        guard tracer?.exports == true, let context = ServiceContext.current?.traceContext, context.isSampled else {
            return nil
        }
        return context
    }

    /// A span that begins now.
    func begin(_ name: String, ofKind kind: SpanKind = .internal, below parent: TraceContext?) -> OTLPSpan? {
        guard let parent else { return nil }
        return tracer?.startSpan(name, parent: parent, ofKind: kind)
    }

    /// Does something within a span, to which spans that are made meanwhile belong.
    func within<Result: Sendable>(_ name: String, _ body: () async -> Result) async -> Result {
        guard let span = begin(name, below: parent) else { return await body() }
        defer { span.end() }
        return await ServiceContext.withValue(span.context, operation: body)
    }

    /// A span that began `duration` ago and ends now.
    func record(
        _ name: String,
        ofKind kind: SpanKind,
        lasting duration: Duration,
        _ describe: (OTLPSpan) -> Void
    ) {
        guard let parent, let tracer else { return }
        let now = DefaultTracerClock.now.nanosecondsSinceEpoch
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(clamping: seconds) * 1_000_000_000 + UInt64(clamping: attoseconds / 1_000_000_000)
        let begin = now > nanoseconds ? now - nanoseconds : now
        let span = tracer.startSpan(name, parent: parent, ofKind: kind, atNanoseconds: begin)
        describe(span)
        span.end()
    }
}
