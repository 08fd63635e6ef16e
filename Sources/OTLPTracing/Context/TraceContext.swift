package import Tracing

/// What names a span to others: in `traceparent` and `tracestate`, in logs, in links.
package struct TraceContext: Sendable, Hashable {
    /// The trace that the span is part of.
    package let traceID: TraceID
    /// The span.
    package let spanID: SpanID
    /// Whether the span is recorded, as far as its process knows.
    package let isSampled: Bool
    /// Whether the span is of another process.
    package let isRemote: Bool
    /// What vendors have added; every span of the trace hands it on.
    package let traceState: TraceState?

    /// The context of a span.
    package init(
        traceID: TraceID,
        spanID: SpanID,
        isSampled: Bool,
        isRemote: Bool = false,
        traceState: TraceState? = nil
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.isRemote = isRemote
        self.traceState = traceState
    }

    /// The flags as `traceparent` carries them.
    var flags: UInt8 { isSampled ? 1 : 0 }
}

private enum TraceContextKey: ServiceContextKey {
    typealias Value = TraceContext
    static var nameOverride: String? { "trace-context" }
}

extension ServiceContext {
    /// The span that work in this context belongs to. Nil at the top, where the next span begins a trace.
    package var traceContext: TraceContext? {
        get { self[TraceContextKey.self] }
        set { self[TraceContextKey.self] = newValue }
    }
}
