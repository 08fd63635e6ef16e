package import Tracing

/// A span of an ``OTLPTracer``.
///
/// One that is not sampled holds its ids and nothing else: starting and ending it allocates nothing. Any thread may use a span; what comes
/// after its end is ignored.
package struct OTLPSpan: Tracing.Span {
    /// What names the span to others; nil only if tracing is disabled and there was no parent.
    package let traceContext: TraceContext?
    private let base: ServiceContext
    private let recorder: SpanRecorder?
    private let processor: BatchSpanProcessor?

    /// A span that is recorded if there are both, a recorder and who exports what it holds.
    init(traceContext: TraceContext?, base: ServiceContext, recorder: SpanRecorder?, processor: BatchSpanProcessor?) {
        self.traceContext = traceContext
        self.base = base
        self.recorder = recorder
        self.processor = processor
    }

    /// The context in which the span's children start. Made anew at each call: it allocates.
    package var context: ServiceContext {
        var context = base
        if let traceContext { context.traceContext = traceContext }
        return context
    }

    /// Whether what is recorded will be exported. When not, there is no need to build attributes.
    package var isRecording: Bool { recorder?.isRecording ?? false }

    /// The name; empty and not to be set if the span is not recorded.
    package var operationName: String {
        get { recorder?.read { $0.name } ?? "" }
        nonmutating set {
            guard let recorder else { return }
            recorder.update { $0.name = recorder.limits.cut(newValue) }
        }
    }

    /// All attributes; ``setAttribute(_:to:)`` costs less.
    package var attributes: SpanAttributes {
        get { recorder?.read { $0.attributes.dictionary } ?? [:] }
        nonmutating set { recorder?.replaceAttributes(with: newValue) }
    }

    /// Sets one attribute, or removes it with nil; the value is not even made if the span is not recorded.
    package func setAttribute(_ key: String, to value: @autoclosure () -> SpanAttribute?) {
        recorder?.setAttribute(key, to: value())
    }

    /// Sets the status: `ok` is final, and only an error keeps its message.
    package func setStatus(_ status: SpanStatus) {
        recorder?.setStatus(status)
    }

    /// Adds an event.
    package func addEvent(_ event: SpanEvent) {
        guard let recorder else { return }
        recorder.addEvent(
            event.name,
            at: event.nanosecondsSinceEpoch,
            attributes: AttributeList(
                event.attributes,
                most: recorder.limits.eventAttributes,
                limits: recorder.limits
            )
        )
    }

    /// Adds an event `exception` with the error's type and text. It does not set the status.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        recorder?.addException(error, attributes: attributes, at: instant().nanosecondsSinceEpoch)
    }

    /// Adds a link; one to a context without a span is dropped and counted.
    package func addLink(_ link: SpanLink) {
        recorder?.addLink(link)
    }

    /// Ends the span and queues it for export; again it does nothing.
    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let recorder else { return }
        end(recorder, at: instant().nanosecondsSinceEpoch)
    }

    /// Ends the span now, by the tracer's clock.
    package func end() {
        guard let recorder, let processor else { return }
        end(recorder, at: processor.time.wallClock())
    }

    private func end(_ recorder: SpanRecorder, at nanoseconds: UInt64) {
        if recorder.end(at: nanoseconds) { processor?.enqueue(recorder) }
    }
}
