internal import Tracing

/// All that is exported of a span.
struct SpanRecord: Sendable {
    struct Event: Sendable {
        let name: String
        let nanoseconds: UInt64
        let attributes: AttributeList
    }

    struct Link: Sendable {
        let target: TraceContext
        let attributes: AttributeList
    }

    /// What may change until the span ends.
    struct Content: Sendable {
        var name: String
        var attributes = AttributeList()
        var events: [Event] = []
        var droppedEventCount = 0
        var links: [Link] = []
        var droppedLinkCount = 0
        var status: SpanStatus?
        /// When it ended: nanoseconds since 1970.
        var end: UInt64?
    }

    let context: TraceContext
    let parent: TraceContext?
    let kind: SpanKind
    /// Nanoseconds since 1970.
    let start: UInt64
    let content: Content
}
