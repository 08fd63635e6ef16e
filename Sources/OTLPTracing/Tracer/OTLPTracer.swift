internal import ServiceLifecycle
package import Tracing

/// Starts spans, and exports those that are sampled with the OpenTelemetry protocol (OTLP 1, http/protobuf).
///
/// It is a service: spans are exported while ``run()`` runs. List it before the services that start spans: services stop in reverse order, and
/// the last spans are exported at graceful shutdown.
package final class OTLPTracer: Tracer, Service, Sendable {
    /// What a tracer does with spans, besides exporting them.
    struct Behaviour: Sendable {
        var isEnabled = true
        var propagates = true
        var sampler = Sampler.parentBasedAlwaysOn
        var limits = SpanLimits()
    }

    private let behaviour: Behaviour
    private let identifiers: IdentifierSource
    private let time: TimeSource
    private let processor: BatchSpanProcessor?

    /// - Parameter processor: nil where nothing is exported.
    init(
        behaviour: Behaviour,
        processor: BatchSpanProcessor?,
        identifiers: IdentifierSource = IdentifierSource(),
        time: TimeSource = .system
    ) {
        self.behaviour = behaviour
        self.processor = behaviour.isEnabled ? processor : nil
        self.identifiers = identifiers
        self.time = time
    }

    /// Whether spans are exported; when not, sampled ones are not recorded either.
    package var exports: Bool { processor != nil }

    /// Whether spans may have parents in other processes.
    package var propagates: Bool { behaviour.propagates }

    /// What became of the spans, for metrics; nil where nothing is exported. One lock, O(1).
    package var statistics: OTLPTracingStatistics? { processor?.statistics }

    /// Starts a span without a look at task-local values or other context: the fast way.
    ///
    /// Not sampled, it costs the ids and no allocation; the name is not even made.
    ///
    /// - Parameters:
    ///   - name: what is done, with few different values: "GET /v1/things".
    ///   - parent: nil begins a trace.
    ///   - base: what ``OTLPSpan/context`` holds besides the span.
    ///   - nanoseconds: when it started, since 1970; nil is now.
    package func startSpan(
        _ name: @autoclosure () -> String,
        parent: TraceContext?,
        ofKind kind: SpanKind,
        base: ServiceContext = .topLevel,
        atNanoseconds nanoseconds: UInt64? = nil
    ) -> OTLPSpan {
        start(name, parent: parent, kind: kind, base: base) { nanoseconds ?? time.wallClock() }
    }

    @inline(__always)
    private func start(
        _ name: () -> String,
        parent: TraceContext?,
        kind: SpanKind,
        base: ServiceContext,
        at nanoseconds: () -> UInt64
    ) -> OTLPSpan {
        guard behaviour.isEnabled else {
            return OTLPSpan(traceContext: parent, base: base, recorder: nil, processor: nil)
        }
        let (traceID, spanID) = parent.map { ($0.traceID, identifiers.spanID()) } ?? identifiers.rootIDs()
        let context = TraceContext(
            traceID: traceID,
            spanID: spanID,
            isSampled: behaviour.sampler.samples(traceID, parent: parent),
            traceState: parent?.traceState
        )
        guard context.isSampled, let processor else {
            return OTLPSpan(traceContext: context, base: base, recorder: nil, processor: nil)
        }
        let recorder = SpanRecorder(
            name: name(),
            context: context,
            parent: parent,
            kind: kind,
            start: nanoseconds(),
            limits: behaviour.limits
        )
        return OTLPSpan(traceContext: context, base: base, recorder: recorder, processor: processor)
    }

    // MARK: Tracer

    /// Starts a span whose parent is the one in `context`.
    package func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> OTLPSpan {
        let context = context()
        return start({ operationName }, parent: context.traceContext, kind: kind, base: context) {
            instant().nanosecondsSinceEpoch
        }
    }

    /// The same, as a span of any tracer.
    package func startAnySpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> any Tracing.Span {
        startSpan(
            operationName,
            context: context(),
            ofKind: kind,
            at: instant(),
            function: function,
            file: fileID,
            line: line
        )
    }

    /// Reads `traceparent` and `tracestate`, unless the propagator is switched off. Without a valid `traceparent` the context stays as it is.
    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard behaviour.propagates,
            let remote = TraceContextPropagator.extract(carrier, using: extractor)
        else { return }
        context.traceContext = remote
    }

    /// Writes `traceparent` and, where there is one, `tracestate`, unless the propagator is switched off.
    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard behaviour.propagates, let traceContext = context.traceContext else { return }
        TraceContextPropagator.inject(traceContext, into: &carrier, using: injector)
    }

    // MARK: Export

    /// Exports spans until graceful shutdown, then those that are left, within the time for that. Never throws.
    package func run() async {
        if let processor {
            await processor.run()
        } else {
            try? await gracefulShutdown()
        }
    }

    /// Has all spans that have ended exported soon, without waiting for it.
    package func forceFlush() {
        processor?.release()
    }

    /// Exports all spans that have ended, and waits for it.
    ///
    /// - Returns: whether each of them was exported or lost within `limit`. Spans wait as long as ``run()`` does not run.
    package func flush(within limit: Duration) async -> Bool {
        await processor?.flush(within: limit) ?? true
    }
}
