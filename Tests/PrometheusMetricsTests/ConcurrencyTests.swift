import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite("Threads that record at the same time", .serialized)
struct ConcurrencyTests {
    private static let threads = 12
    private static let rounds = 20_000

    @Test("lose nothing, however many shards there are", arguments: [1, 2, 64])
    func nothingLost(_ shards: Int) {
        let registry = PrometheusRegistry(limits: PrometheusLimits(shards: shards))
        let whole = registry.counter("whole", help: "W.")
        let real = registry.counter("real", help: "R.")
        let gauge = registry.gauge("gauge", help: "G.")
        let histogram = registry.histogram("histogram", help: "H.", buckets: [1, 2])
        onThreads(Self.threads) { thread in
            for round in 0..<Self.rounds {
                whole.increment()
                real.increment(by: 0.5)
                gauge.increment(by: thread % 2 == 0 ? 1 : -1)
                histogram.observe(Double(round % 3) + 0.5)
            }
        }
        let total = Self.threads * Self.rounds
        #expect(whole.value == Double(total))
        #expect(real.value == Double(total) / 2)
        #expect(gauge.value == 0)
        #expect(histogram.count == UInt64(total))
        let rounds = (0..<Self.rounds).map { Double($0 % 3) + 0.5 }.reduce(0, +)
        #expect(histogram.sum == rounds * Double(Self.threads))
    }

    @Test("never make a scrape see counts and a sum that do not belong together")
    func consistentScrapes() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(shards: 8))
        let histogram = registry.histogram("h", help: "H.", buckets: [1, 2])
        let running = Running(count: 4)
        onThreads(5) { thread in
            if thread < 4 {
                // Always one, so that the sum is the count.
                for _ in 0..<50_000 { histogram.observe(1) }
                running.leave()
                return
            }
            var last = 0
            repeat {
                let lines = registry.shown(.text).split(separator: "\n").suffix(5).map {
                    Int($0.split(separator: " ")[1]) ?? -1
                }
                #expect(Set(lines).count == 1, "\(lines)")
                #expect(lines[0] >= last)
                last = lines[0]
            } while running.isAny
        }
        #expect(histogram.count == 200_000)
    }

    @Test("get the same metric for the same labels, and each label set is shown once")
    func registration() {
        let registry = PrometheusRegistry()
        onThreads(Self.threads) { _ in
            for index in 0..<300 {
                registry.counter("c", help: "C.", labels: [("x", "\(index % 50)")]).increment()
                registry.gauge("g\(index % 20)", help: "G.").increment()
                if index % 60 == 0 { _ = registry.exposition(.openMetrics) }
            }
        }
        let lines = registry.shown(.text).split(separator: "\n").filter { $0.hasPrefix("c_total{") }
        #expect(lines.count == 50)
        #expect(lines.allSatisfy { $0.hasSuffix(" \(Self.threads * 6)") })
        #expect(registry.sample("g7") == "\(Self.threads * 15)")
    }

    @Test("never find more label sets than the limit")
    func limit() {
        let registry = PrometheusRegistry(limits: PrometheusLimits(seriesPerFamily: 10))
        let family = registry.counter("c", help: "C.", labelNames: ["x"])
        onThreads(Self.threads) { thread in
            for index in 0..<100 { family.with("\(thread)-\(index)").increment() }
        }
        let lines = registry.shown(.text).split(separator: "\n").dropFirst(2)
        #expect(lines.count == 11)
        let sum = lines.compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
        #expect(sum == Self.threads * 100)
    }
}

/// How many threads have not finished.
private final class Running: Sendable {
    private let count: Atomic<Int>

    init(count: Int) {
        self.count = Atomic(count)
    }

    func leave() {
        count.subtract(1, ordering: .releasing)
    }

    var isAny: Bool { count.load(ordering: .acquiring) > 0 }
}
