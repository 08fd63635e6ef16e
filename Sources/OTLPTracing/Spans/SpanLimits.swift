internal import Tracing

/// The most that one span holds; what is beyond is dropped and counted, or cut.
package struct SpanLimits: Sendable, Hashable {
    /// Attributes of the span.
    package var attributes = 128
    /// Events of the span.
    package var events = 128
    /// Links of the span.
    package var links = 128
    /// Attributes of each event.
    package var eventAttributes = 128
    /// Attributes of each link.
    package var linkAttributes = 128
    /// Bytes of UTF-8 of each text: values, keys, names, messages. Longer ones are cut between scalars.
    package var textLength = 4096
    /// Elements of each attribute that is an array; longer ones are cut.
    package var arrayElements = 128

    /// OpenTelemetry's defaults, where it has some.
    package init() {}

    /// `text` or as much of its start as a span may hold. O(1) for short text.
    func cut(_ text: String) -> String {
        guard text.utf8.count > textLength else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: textLength)
        while end > text.startIndex, text.unicodeScalars.index(after: text.unicodeScalars.index(before: end)) != end {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }

    /// `value` or as much of it as a span may hold; nil for a kind of value that is not known.
    func cut(_ value: SpanAttribute) -> SpanAttribute? {
        switch value {
        case .bool, .int32, .int64, .double: value
        case .string(let text): .string(cut(text))
        case .stringConvertible(let value): .string(cut(String(describing: value)))
        case .boolArray(let values): .boolArray(head(values))
        case .int32Array(let values): .int32Array(head(values))
        case .int64Array(let values): .int64Array(head(values))
        case .doubleArray(let values): .doubleArray(head(values))
        case .stringArray(let values): .stringArray(head(values).map(cut))
        case .stringConvertibleArray(let values): .stringArray(head(values).map { cut(String(describing: $0)) })
        default: nil
        }
    }

    private func head<Element>(_ values: [Element]) -> [Element] {
        values.count <= arrayElements ? values : Array(values[..<arrayElements])
    }
}
