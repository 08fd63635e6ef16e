internal import Tracing

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

// What is recorded, as messages of the protocol.

extension MessageExportTraceServiceRequest {
    init(_ batch: [SpanRecord], resource: MessageResource) {
        var scope = MessageScopeSpans()
        scope.scope.name = InstrumentationLibrary.name
        scope.scope.version = InstrumentationLibrary.version
        scope.spans = batch.map { MessageSpan($0) }
        var spans = MessageResourceSpans()
        spans.resource = resource
        spans.scopeSpans = [scope]
        resourceSpans = [spans]
    }
}

extension MessageResource {
    init(_ attributes: [(key: String, value: String)]) {
        self.attributes = attributes.map { MessageKeyValue($0.key, .string($0.value)) }
    }
}

extension MessageSpan {
    init(_ span: SpanRecord) {
        traceID = Data(span.context.traceID.bytes)
        spanID = Data(span.context.spanID.bytes)
        traceState = span.context.traceState?.description ?? ""
        if let parent = span.parent { parentSpanID = Data(parent.spanID.bytes) }
        flags = SpanFlags.value(sampled: span.context, remote: span.parent)
        name = span.content.name
        kind = SpanKind(span.kind)
        startTimeUnixNano = span.start
        endTimeUnixNano = span.content.end ?? span.start
        attributes = span.content.attributes.entries.map { MessageKeyValue($0.key, $0.value) }
        droppedAttributesCount = UInt32(clamping: span.content.attributes.droppedCount)
        events = span.content.events.map { Event($0) }
        droppedEventsCount = UInt32(clamping: span.content.droppedEventCount)
        links = span.content.links.map { Link($0) }
        droppedLinksCount = UInt32(clamping: span.content.droppedLinkCount)
        if let status = span.content.status {
            self.status.code = status.code == .ok ? .ok : .error
            self.status.message = status.message ?? ""
        }
    }
}

/// The W3C flags in the low byte, and above them whether the other span is of another process.
private enum SpanFlags {
    static func value(sampled: TraceContext, remote: TraceContext?) -> UInt32 {
        UInt32(sampled.flags) | 0x100 | (remote?.isRemote == true ? 0x200 : 0)
    }
}

extension MessageSpan.Event {
    fileprivate init(_ event: SpanRecord.Event) {
        timeUnixNano = event.nanoseconds
        name = event.name
        attributes = event.attributes.entries.map { MessageKeyValue($0.key, $0.value) }
        droppedAttributesCount = UInt32(clamping: event.attributes.droppedCount)
    }
}

extension MessageSpan.Link {
    fileprivate init(_ link: SpanRecord.Link) {
        traceID = Data(link.target.traceID.bytes)
        spanID = Data(link.target.spanID.bytes)
        traceState = link.target.traceState?.description ?? ""
        flags = SpanFlags.value(sampled: link.target, remote: link.target)
        attributes = link.attributes.entries.map { MessageKeyValue($0.key, $0.value) }
        droppedAttributesCount = UInt32(clamping: link.attributes.droppedCount)
    }
}

extension MessageSpan.SpanKind {
    fileprivate init(_ kind: Tracing.SpanKind) {
        self =
            switch kind {
            case .server: .server
            case .client: .client
            case .producer: .producer
            case .consumer: .consumer
            case .internal: .internal
            }
    }
}

extension MessageKeyValue {
    fileprivate init(_ key: String, _ value: SpanAttribute) {
        self.key = key
        self.value = MessageAnyValue(value)
    }
}

extension MessageAnyValue {
    fileprivate init(_ attribute: SpanAttribute) {
        switch attribute {
        case .bool(let value): boolValue = value
        case .int32(let value): intValue = Int64(value)
        case .int64(let value): intValue = value
        case .double(let value): doubleValue = value
        case .string(let value): stringValue = value
        case .boolArray(let values): set(values.map(SpanAttribute.bool))
        case .int32Array(let values): set(values.map(SpanAttribute.int32))
        case .int64Array(let values): set(values.map(SpanAttribute.int64))
        case .doubleArray(let values): set(values.map(SpanAttribute.double))
        case .stringArray(let values): set(values.map(SpanAttribute.string))
        // Nothing else is recorded.
        default: break
        }
    }

    private mutating func set(_ elements: [SpanAttribute]) {
        arrayValue.values = elements.map { MessageAnyValue($0) }
    }
}
