import Testing

@testable import Caching

@Suite("Memory tier")
struct MemoryTierTests {
    @Test("counts entries, bytes and evictions")
    func occupancy() {
        let overhead = LRUCache<Int, [UInt8]>.entryOverhead
        let tier = MemoryTier<Int, [UInt8]>(capacity: 2 * (100 + overhead), size: \.count)
        for key in 1...3 { #expect(tier.insert(Array(repeating: 0, count: 100), for: key)) }
        #expect(tier.occupancy == .init(entries: 2, bytes: 2 * (100 + overhead), evictions: 1))
        #expect(tier.value(for: 1) == nil)
        #expect(!tier.insert(Array(repeating: 0, count: 1000), for: 4))
    }

    @Test("holds its bound when many write at once")
    func concurrentWriters() async {
        let tier = MemoryTier<Int, [UInt8]>(capacity: 10_000, size: \.count)
        await withTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    for step in 0..<500 {
                        tier.insert(Array(repeating: 0, count: step % 300), for: writer * 1000 + step)
                        _ = tier.value(for: step)
                    }
                }
            }
        }
        #expect(tier.occupancy.bytes <= 10_000)
        #expect(tier.occupancy.entries > 0)
    }
}
