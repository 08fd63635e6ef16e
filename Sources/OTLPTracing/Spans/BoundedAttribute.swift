internal import Tracing

/// An attribute that is as short as it has to be. Made before any lock is taken: it asks values to describe themselves.
struct BoundedAttribute: Sendable {
    enum Change: Sendable {
        case set(SpanAttribute)
        case remove
        /// It is of no use.
        case drop
    }

    let key: String
    let change: Change

    /// - Parameter value: nil removes the attribute.
    init(_ key: String, _ value: SpanAttribute?, limits: SpanLimits) {
        self.key = limits.cut(key)
        change =
            if let value {
                if !key.isEmpty, let value = limits.cut(value) { .set(value) } else { .drop }
            } else {
                .remove
            }
    }
}
