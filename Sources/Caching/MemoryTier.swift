import Synchronization

/// The first cache tier: finished values in this process's memory, with a hard bound in bytes.
///
/// Lookups are synchronous, so that an event loop can answer without a hop. One lock guards the whole cache: it is held for
/// well under a microsecond, and a single recency order is what makes the bound exact.
package final class MemoryTier<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let cache: Mutex<LRUCache<Key, Value>>
    private let size: @Sendable (Value) -> Int

    /// Makes an empty tier of at most `capacity` bytes, in which a value counts for `size(value)` bytes and a fixed overhead.
    package init(capacity: Int, size: @escaping @Sendable (Value) -> Int) {
        self.cache = Mutex(LRUCache(capacity: capacity))
        self.size = size
    }

    /// The value for `key`, which becomes the most recently used.
    package func value(for key: Key) -> Value? {
        cache.withLock { $0.value(for: key) }
    }

    /// Whether `key` has a value, leaving its recency as it is.
    package func contains(_ key: Key) -> Bool {
        cache.withLock { $0.contains(key) }
    }

    /// Keeps `value`, evicting others as needed; false if it alone is larger than the tier.
    @discardableResult
    package func insert(_ value: Value, for key: Key) -> Bool {
        let bytes = size(value)
        return cache.withLock { $0.insert(value, for: key, bytes: bytes) }
    }

    /// What the tier holds at this moment.
    package var occupancy: Occupancy {
        cache.withLock { Occupancy(entries: $0.count, bytes: $0.byteCount, evictions: $0.evictionCount) }
    }

    /// How full a tier is: entries, bytes charged, and evictions since the start.
    package struct Occupancy: Sendable, Equatable {
        package var entries: Int
        package var bytes: Int
        package var evictions: Int
    }
}
