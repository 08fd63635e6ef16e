import TestSupport
import Testing

@testable import Caching

@Suite("LRU cache")
struct LRUCacheTests {
    private let overhead = LRUCache<Int, String>.entryOverhead

    private func cache(entriesOf bytes: Int, count: Int) -> LRUCache<Int, String> {
        LRUCache(capacity: count * (bytes + overhead))
    }

    @Test("gives back what was kept")
    func keeps() {
        var cache = cache(entriesOf: 10, count: 2)
        let isKept = cache.insert("one", for: 1, bytes: 10)
        #expect(isKept)
        #expect(cache.value(for: 1) == "one")
        #expect(cache.value(for: 2) == nil)
        #expect(cache.contains(1))
    }

    @Test("forgets what was used longest ago, and a look-up counts as use")
    func evictsLeastRecentlyUsed() {
        var cache = cache(entriesOf: 10, count: 2)
        cache.insert("one", for: 1, bytes: 10)
        cache.insert("two", for: 2, bytes: 10)
        _ = cache.value(for: 1)
        cache.insert("three", for: 3, bytes: 10)
        #expect(cache.contains(1))
        #expect(!cache.contains(2))
        #expect(cache.contains(3))
        #expect(cache.evictionCount == 1)
    }

    @Test("a look whether a key is there is no use of it")
    func containsKeepsRecency() {
        var cache = cache(entriesOf: 10, count: 2)
        cache.insert("one", for: 1, bytes: 10)
        cache.insert("two", for: 2, bytes: 10)
        _ = cache.contains(1)
        cache.insert("three", for: 3, bytes: 10)
        #expect(!cache.contains(1))
    }

    @Test("a value larger than the cache is refused and disturbs nothing")
    func refusesGiants() {
        var cache = cache(entriesOf: 10, count: 2)
        cache.insert("one", for: 1, bytes: 10)
        for bytes in [1000, .max] {
            let isKept = cache.insert("giant", for: 2, bytes: bytes)
            #expect(!isKept)
        }
        #expect(cache.contains(1))
    }

    @Test("a cache of no bytes keeps nothing")
    func empty() {
        var cache = LRUCache<Int, String>(capacity: 0)
        let isKept = cache.insert("one", for: 1, bytes: 0)
        #expect(!isKept)
        #expect(cache.count == 0)
    }

    @Test("a value that replaces another frees its bytes")
    func replaces() {
        var cache = cache(entriesOf: 10, count: 1)
        cache.insert("one", for: 1, bytes: 10)
        cache.insert("uno", for: 1, bytes: 4)
        #expect(cache.value(for: 1) == "uno")
        #expect(cache.byteCount == 4 + overhead)
        #expect(cache.evictionCount == 0)
    }

    @Test("the bound holds, and the order is that of a simple model, through thousands of random operations")
    func agreesWithModel() {
        var generator = SeededGenerator(seed: 7)
        let capacity = 40 * overhead
        var cache = LRUCache<Int, Int>(capacity: capacity)
        var model: [(key: Int, value: Int, bytes: Int)] = []
        for step in 0..<5000 {
            let key = Int.random(in: 0..<60, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                let bytes = Int.random(in: 0..<(4 * overhead), using: &generator)
                model.removeAll { $0.key == key }
                model.append((key, step, bytes + LRUCache<Int, Int>.entryOverhead))
                while model.reduce(0, { $0 + $1.bytes }) > capacity { model.removeFirst() }
                let isKept = cache.insert(step, for: key, bytes: bytes)
                #expect(isKept)
            case 2:
                let found = model.firstIndex { $0.key == key }
                #expect(cache.value(for: key) == found.map { model[$0].value })
                if let found { model.append(model.remove(at: found)) }
            default:
                let found = model.firstIndex { $0.key == key }
                #expect(cache.remove(key) == found.map { model[$0].value })
                if let found { model.remove(at: found) }
            }
            #expect(cache.byteCount <= capacity)
            #expect(cache.byteCount == model.reduce(0) { $0 + $1.bytes })
            #expect(cache.count == model.count)
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
