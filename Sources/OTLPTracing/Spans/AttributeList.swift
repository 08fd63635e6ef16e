internal import Tracing

/// Attributes in the order in which they were set, each key once, bounded.
struct AttributeList: Sendable {
    private(set) var entries: [(key: String, value: SpanAttribute)] = []
    /// Attributes for which there was no room.
    private(set) var droppedCount = 0

    /// Sets an attribute or, with nil, removes it. O(attributes): there are few, and comparing them is cheaper than hashing.
    mutating func set(_ entry: BoundedAttribute, most: Int) {
        let index = index(of: entry.key)
        switch entry.change {
        case .remove:
            if let index { entries.remove(at: index) }
        case .set(let value):
            if let index {
                entries[index].value = value
            } else if entries.count < most {
                if entries.isEmpty { entries.reserveCapacity(min(most, 8)) }
                entries.append((entry.key, value))
            } else {
                droppedCount += 1
            }
        case .drop:
            droppedCount += 1
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
    mutating func replace(with attributes: [BoundedAttribute], most: Int) {
        entries.removeAll { entry in !attributes.contains { $0.key == entry.key } }
        for attribute in attributes { set(attribute, most: most) }
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
        attributes.forEach { set(BoundedAttribute($0, $1, limits: limits), most: most) }
    }
}
