import TestSupport
import Testing

@testable import OTLPTracing

/// Mostly zeros.
private struct Zeros: RandomNumberGenerator {
    var count = 0
    mutating func next() -> UInt64 {
        count += 1
        return count.isMultiple(of: 17) ? 1 : 0
    }
}

@Suite("Ids")
struct IdentifierTests {
    @Test("are never zero, however poor the seed")
    func nonZero() {
        var zeros = Zeros()
        let source = IdentifierSource(seededFrom: &zeros, shardCount: 1)
        for _ in 0..<1000 {
            let (trace, span) = source.rootIDs()
            #expect(trace.low != 0 && span.value != 0 && source.spanID().value != 0)
        }
        #expect(TraceID(high: 0, low: 0) == nil && SpanID(0) == nil)
    }

    @Test("are different, from however many tasks they are asked for")
    func uniqueness() async {
        let source = IdentifierSource()
        let ids = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<5000).flatMap { _ in
                        let (trace, span) = source.rootIDs()
                        return [trace.high, trace.low, span.value, source.spanID().value]
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(ids).count == 8 * 5000 * 4)
    }

    @Test("have every bit set half of the time")
    func balance() {
        var generator = SeededGenerator(seed: 5)
        let source = IdentifierSource(seededFrom: &generator)
        var ones = [Int](repeating: 0, count: 64)
        for _ in 0..<20_000 {
            let value = source.spanID().value
            for bit in 0..<64 where value >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
        }
        #expect(ones.allSatisfy { abs($0 - 10_000) < 400 })
    }

    @Test("are those of xoshiro256++")
    func reference() {
        struct Counting: RandomNumberGenerator {
            var value: UInt64 = 0
            mutating func next() -> UInt64 {
                value += 1
                return value
            }
        }
        var seed = Counting()
        var generator = Xoshiro256(seededFrom: &seed)
        // The first values of the authors' program from the state 1, 2, 3, 4.
        #expect(
            (0..<4).map { _ in generator.next() } == [
                41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386,
            ]
        )
    }
}
