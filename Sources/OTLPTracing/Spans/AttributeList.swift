internal import Tracing

/// Attributes in the order in which they were set, each key once, bounded.
struct AttributeList: Sendable {
    private(set) var entries: [(key: String, value: SpanAttribute)] = []
    /// Attributes for which there was no room.
    private(set) var droppedCount = 0

    /// Sets an attribute or, with nil, removes it. O(attributes): there are few, and comparing them is cheaper than hashing.
    mutating func set(_ key: String, to value: SpanAttribute?, most: Int, limits: SpanLimits) {
        let key = limits.cut(key)
        let index = index(of: key)
        guard let value else {
            if let index { entries.remove(at: index) }
            return
        }
        guard let value = limits.cut(value), !key.isEmpty, index != nil || entries.count < most else {
            droppedCount += 1
            return
        }
        if let index {
            entries[index].value = value
        } else {
            if entries.isEmpty { entries.reserveCapacity(min(most, 8)) }
            entries.append((key, value))
        }
    }

    /// Not `firstIndex(where:)`: that would copy each value to look at its key.
    private func index(of key: String) -> Int? {
        let length = key.utf8.count
        for index in entries.indices where entries[index].key.utf8.count == length && entries[index].key == key {
            return index
        }
        return nil
    }

    /// Leaves the attributes that are given and no others.
    mutating func replace(with attributes: SpanAttributes, most: Int, limits: SpanLimits) {
        entries.removeAll { attributes.get($0.key) == nil }
        attributes.forEach { set($0, to: $1, most: most, limits: limits) }
    }

    /// The same without order.
    var dictionary: SpanAttributes {
        var attributes = SpanAttributes([:])
        attributes.reserveCapacity(entries.count)
        for (key, value) in entries {
            attributes.set(key, value: value)
        }
        return attributes
    }
}

extension AttributeList {
    init(_ attributes: SpanAttributes, most: Int, limits: SpanLimits) {
        attributes.forEach { set($0, to: $1, most: most, limits: limits) }
    }
}
