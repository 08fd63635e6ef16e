internal import Tracing

/// Reads and writes `traceparent` and `tracestate`.
enum TraceContextPropagator {
    static func extract<Extract: Extractor>(_ carrier: Extract.Carrier, using extractor: Extract) -> TraceContext? {
        guard let traceParent = extractor.extract(key: "traceparent", from: carrier) else { return nil }
        return TraceContext(
            traceParent: traceParent,
            traceState: extractor.extract(key: "tracestate", from: carrier)
        )
    }

    static func inject<Inject: Injector>(
        _ context: TraceContext,
        into carrier: inout Inject.Carrier,
        using injector: Inject
    ) {
        injector.inject(context.traceParent, forKey: "traceparent", into: &carrier)
        if let traceState = context.traceState {
            injector.inject(traceState.description, forKey: "tracestate", into: &carrier)
        }
    }
}
