internal import Synchronization
internal import Tracing

/// Takes what happens to one sampled span, from any thread, until it ends.
final class SpanRecorder: Sendable {
    let context: TraceContext
    let parent: TraceContext?
    let kind: SpanKind
    let start: UInt64
    let limits: SpanLimits
    /// A span may be handed from task to task, and nothing forbids two at once.
    private let content: Mutex<SpanRecord.Content>

    init(
        name: String,
        context: TraceContext,
        parent: TraceContext?,
        kind: SpanKind,
        start: UInt64,
        limits: SpanLimits
    ) {
        self.context = context
        self.parent = parent
        self.kind = kind
        self.start = start
        self.limits = limits
        content = Mutex(SpanRecord.Content(name: limits.cut(name)))
    }

    /// Whether the span has not ended.
    var isRecording: Bool { content.withLock { $0.end == nil } }

    /// Reads what has been recorded.
    func read<Result: Sendable>(_ body: (borrowing SpanRecord.Content) -> Result) -> Result {
        content.withLock { body($0) }
    }

    /// Changes what has been recorded, unless the span has ended.
    func update(_ body: (inout SpanRecord.Content) -> Void) {
        content.withLock { content in
            if content.end == nil { body(&content) }
        }
    }

    /// Ends the span and tells whether that was the first time. A clock that was set back does not make it negative.
    func end(at nanoseconds: UInt64) -> Bool {
        content.withLock { content in
            guard content.end == nil else { return false }
            content.end = max(start, nanoseconds)
            return true
        }
    }

    /// All of it, to be exported.
    var record: SpanRecord {
        SpanRecord(context: context, parent: parent, kind: kind, start: start, content: content.withLock { $0 })
    }
}
