/// A dictionary that is bounded in bytes and forgets what was used longest ago.
///
/// A value type without locks or clocks: ``MemoryTier`` makes it safe to share. All operations are O(1); an insertion
/// that evicts is O(number of evicted entries).
package struct LRUCache<Key: Hashable, Value> {
    /// Memory charged for each entry on top of its value: the node, the dictionary slot and the allocator's rounding.
    package static var entryOverhead: Int { MemoryLayout<Node>.stride + 2 * MemoryLayout<Key>.stride + 64 }

    /// The most bytes that entries and their overhead may take together.
    package let capacity: Int
    /// The bytes charged now, at most ``capacity``.
    package private(set) var byteCount = 0
    /// How many entries were pushed out to make room for others since the beginning.
    package private(set) var evictionCount = 0

    // A doubly linked list threaded through an array: recency order without an allocation for each entry.
    fileprivate struct Node {
        var key: Key
        var value: Value?
        var bytes: Int
        var newer: Int
        var older: Int
    }

    fileprivate static var none: Int { -1 }

    private var nodes: [Node] = []
    private var vacant: [Int] = []
    private var positions: [Key: Int] = [:]
    private var newest = Self.none
    private var oldest = Self.none

    /// Makes an empty cache that holds at most `capacity` bytes; zero keeps nothing.
    package init(capacity: Int) {
        self.capacity = max(0, capacity)
    }

    /// How many entries there are.
    package var count: Int { positions.count }

    /// The value for `key`, which becomes the most recently used.
    package mutating func value(for key: Key) -> Value? {
        guard let position = positions[key] else { return nil }
        if position != newest {
            unlink(position)
            linkAsNewest(position)
        }
        return nodes[position].value
    }

    /// Whether `key` has a value, leaving its recency as it is.
    package func contains(_ key: Key) -> Bool {
        positions[key] != nil
    }

    /// Keeps `value` of `bytes` bytes under `key`, in place of what was there, evicting the least recently used.
    ///
    /// - Returns: false, with the cache unchanged but for a former value of `key`, if the value alone exceeds the capacity.
    @discardableResult
    package mutating func insert(_ value: Value, for key: Key, bytes: Int) -> Bool {
        remove(key)
        let (charged, overflow) = max(0, bytes).addingReportingOverflow(Self.entryOverhead)
        guard !overflow, charged <= capacity else { return false }
        while byteCount > capacity - charged {
            evictOldest()
        }
        let node = Node(key: key, value: value, bytes: charged, newer: Self.none, older: Self.none)
        let position: Int
        if let reused = vacant.popLast() {
            nodes[reused] = node
            position = reused
        } else {
            position = nodes.count
            nodes.append(node)
        }
        positions[key] = position
        linkAsNewest(position)
        byteCount += charged
        return true
    }

    /// Forgets `key` and gives back the value it had.
    @discardableResult
    package mutating func remove(_ key: Key) -> Value? {
        guard let position = positions.removeValue(forKey: key) else { return nil }
        unlink(position)
        byteCount -= nodes[position].bytes
        let value = nodes[position].value
        nodes[position].value = nil
        vacant.append(position)
        return value
    }

    private mutating func evictOldest() {
        remove(nodes[oldest].key)
        evictionCount += 1
    }

    private mutating func linkAsNewest(_ position: Int) {
        nodes[position].older = newest
        nodes[position].newer = Self.none
        if newest != Self.none {
            nodes[newest].newer = position
        }
        newest = position
        if oldest == Self.none {
            oldest = position
        }
    }

    private mutating func unlink(_ position: Int) {
        let (newer, older) = (nodes[position].newer, nodes[position].older)
        if newer == Self.none { newest = older } else { nodes[newer].older = older }
        if older == Self.none { oldest = newer } else { nodes[older].newer = newer }
    }
}

extension LRUCache: Sendable where Key: Sendable, Value: Sendable {}

extension LRUCache.Node: Sendable where Key: Sendable, Value: Sendable {}
