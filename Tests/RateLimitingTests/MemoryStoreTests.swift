import Foundation
import TestSupport
import Testing

@testable import RateLimiting

private func key(_ index: Int) -> ClientKey {
    ClientKey(IPAddress(high: 0x2001_0db8_0000_0000 | UInt64(index), low: 1))
}

@Suite("Buckets in memory")
struct MemoryStoreTests {
    private let now: Int64 = 1 << 40

    @Test("decide as the arithmetic does, each client for itself")
    func decisions() throws {
        let policy = try TokenBucketPolicy(budget: 100, window: 60)
        let store = MemoryStore(policy: policy, clientLimit: 4096)
        var tats: [ClientKey: BucketTime] = [:]
        var generator = SeededGenerator(seed: 1)
        var time = now
        for _ in 0..<20_000 {
            time += Int64.random(in: 0...40_000, using: &generator)
            let client = key(Int.random(in: 0..<50, using: &generator))
            let cost = Int.random(in: 0...110, using: &generator)
            let (expected, tat) = GCRA(policy).decide(
                cost: cost,
                now: time,
                tat: tats[client] ?? BucketTime(microseconds: 0)
            )
            tats[client] = tat
            #expect(store.consume(cost, by: client, now: time) == expected)
        }
    }

    @Test("200 000 clients find room in less than 60 MB and are remembered")
    func manyClients() throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 10, window: 60))
        #expect(store.byteLimit == 10 << 20)
        let before = residentBytes()
        for index in 0..<200_000 { #expect(store.consume(10, by: key(index), now: now).outcome == .allowed) }
        #expect(residentBytes() - before < 60 << 20)
        let remembered = (0..<200_000).count { store.consume(10, by: key($0), now: now).outcome == .refused }
        #expect(remembered > 199_900, "\(remembered)")
    }

    @Test("there are never more clients than the limit", arguments: [0, 1, 8, 9, 100, 1000, 5000])
    func limit(_ limit: Int) throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 10, window: 60), clientLimit: limit)
        #expect((8...max(8, limit)).contains(store.clientLimit))
        for index in 0..<20_000 { _ = store.consume(1, by: key(index), now: now) }
        #expect(store.usedCount(now: now) == store.clientLimit)
    }

    @Test("the fullest bucket makes room first")
    func eviction() throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 100, window: 60), clientLimit: 8)
        for index in 0..<8 { _ = store.consume(10 + index, by: key(index), now: now) }
        for index in 8..<12 {
            _ = store.consume(50, by: key(index), now: now)
            let remaining = (0..<12).map { store.consume(0, by: key($0), now: now).remaining }
            let forgotten = index - 8
            for other in 0...index {
                #expect(remaining[other] == (other <= forgotten ? 100 : other < 8 ? 90 - other : 50))
            }
        }
    }

    @Test("full buckets are as good as free")
    func reuse() throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 100, window: 60), clientLimit: 8)
        _ = store.consume(100, by: key(0), now: now)
        for index in 1..<8 { _ = store.consume(1, by: key(index), now: now) }
        for index in 8..<1000 {
            #expect(store.consume(1, by: key(index), now: now + 600_000 * Int64(index - 7)).remaining == 99)
            // The drained one stays until it is full, too.
            if index < 100 {
                #expect(store.consume(100, by: key(0), now: now + 600_000 * Int64(index - 7)).outcome == .refused)
            }
        }
    }

    @Test("a flood of addresses does not make the store forget those who have spent much")
    func flood() throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 100, window: 60), clientLimit: 1024)
        for index in 0..<100 { _ = store.consume(100, by: key(index), now: now) }
        for index in 100..<50_000 { _ = store.consume(1, by: key(index), now: now) }
        #expect((0..<100).allSatisfy { store.consume(1, by: key($0), now: now).outcome == .refused })
    }

    @Test("the network ::/64, which is all zeros, has a bucket like any other")
    func zeros() throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 10, window: 60), clientLimit: 1024)
        let client = ClientKey(address: "::1")
        #expect(store.consume(6, by: client, now: now).remaining == 4)
        #expect(store.consume(6, by: client, now: now).outcome == .refused)
        #expect(store.consume(4, by: client, now: now).remaining == 0)
    }

    @Test("from many threads at once no more is admitted than the budget")
    func concurrency() async throws {
        let store = MemoryStore(policy: try TokenBucketPolicy(budget: 1000, window: 60))
        let now = now
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<2000).count { store.consume(1, by: key($0 % 10), now: now).outcome == .allowed }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 10_000)
    }
}

/// What the kernel says this process has in memory; 0 where it does not say.
private func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
}
