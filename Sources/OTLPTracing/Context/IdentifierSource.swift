internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Gives random ids to any thread without a system call.
///
/// Threads spread over a few generators, each behind a lock that is almost never waited for.
final class IdentifierSource: Sendable {
    private static let shardCount = 16

    private final class Shard: Sendable {
        let generator: Mutex<Xoshiro256>
        // Two shards never share a cache line, nor a pair of them that is fetched together.
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

        init(_ generator: Xoshiro256) {
            self.generator = Mutex(generator)
        }
    }

    private let shards: [Shard]

    /// - Parameter source: seeds the generators: the system's, unless a test wants the same ids in every run.
    init(seededFrom source: inout some RandomNumberGenerator, shardCount: Int = IdentifierSource.shardCount) {
        shards = (0..<max(1, shardCount)).map { _ in Shard(Xoshiro256(seededFrom: &source)) }
    }

    /// Seeded by the system.
    convenience init() {
        // Boxed: an empty value has no address, and Thread Sanitizer looks at the one that `&` gives.
        var source: any RandomNumberGenerator = SystemRandomNumberGenerator()
        self.init(seededFrom: &source)
    }

    /// The id of a new span.
    func spanID() -> SpanID {
        withGenerator { SpanID(nonZero: Self.nonZero(&$0)) }
    }

    /// The ids of a new trace and its first span.
    func rootIDs() -> (TraceID, SpanID) {
        withGenerator { generator in
            let high = generator.next()
            return (
                TraceID(nonZeroHigh: high, low: Self.nonZero(&generator)), SpanID(nonZero: Self.nonZero(&generator))
            )
        }
    }

    private static func nonZero(_ generator: inout Xoshiro256) -> UInt64 {
        while true {
            let value = generator.next()
            if value != 0 { return value }
        }
    }

    private func withGenerator<Result>(_ body: (inout Xoshiro256) -> Result) -> Result {
        let home = Self.threadNumber % shards.count
        // Held: another thread is on the same shard, or was just taken off its processor.
        if let result = shards[home].generator.withLockIfAvailable({ body(&$0) }) { return result }
        let next = (home + 1) % shards.count
        return shards[next].generator.withLock { body(&$0) }
    }

    /// A number that differs between most threads. Never negative.
    private static var threadNumber: Int {
        #if canImport(Darwin)
            let address = UInt(bitPattern: pthread_self())
        #else
            let address = UInt(pthread_self())
        #endif
        // Stacks are aligned to pages: only the bits above differ.
        return Int((address >> 12) &* 0x9E37_79B9_7F4A_7C15 >> 58)
    }
}
