internal import Synchronization

/// Buckets by client, bounded in number and so in bytes, with the same little work for every call.
///
/// A client may be in any place of two sets of eight that its hash names. A new one takes a place whose bucket is full, which is as good as
/// free, or else that of the fullest bucket there: whoever is forgotten gains the least. Nothing ever grows, moves or is swept. Places are
/// allocated a shard at a time, when the first client comes.
///
/// The lock of a shard guards its places; there are enough shards for two threads to meet rarely. Hashes are seeded for each process: nobody
/// can choose addresses that share a set.
final class BucketTable: Sendable {
    /// What is kept of a bucket; one that nobody has used has a TAT of zero.
    struct Entry: Sendable, Equatable {
        var tat = BucketTime(microseconds: 0)
        /// For the owner of the table.
        var slack: UInt32 = 0
        /// For the owner of the table.
        var moment: Int64 = 0
    }

    private struct Place {
        // Field by field, and in this order, because a nested struct would be padded.
        var high: UInt64 = 0
        var low: UInt64 = 0
        var microseconds: Int64 = 0
        var fraction: UInt32 = 0
        var slack: UInt32 = 0
        var moment: Int64 = 0

        var entry: Entry {
            Entry(tat: BucketTime(microseconds: microseconds, fraction: fraction), slack: slack, moment: moment)
        }

        func holds(_ key: ClientKey) -> Bool { low == key.low && high == key.high && microseconds > 0 }
    }

    private final class Shard: Sendable {
        let places = Mutex<ContiguousArray<Place>>([])
    }

    private struct Address {
        var shard: Int
        /// Where the two sets begin; they may be the same.
        var sets: (Int, Int)
    }

    private static let ways = 8
    private static let maximumShards = 64
    /// Bytes of a place.
    static let placeSize = MemoryLayout<Place>.stride

    private let shards: [Shard]
    private let setsInShard: Int

    /// - Parameter limit: the most clients, rounded down to whole sets, and at least one of these.
    init(limit: Int) {
        let sets = min(max(1, limit / Self.ways), 1 << 26)
        let count = min(Self.maximumShards, 1 << (Int.bitWidth - 1 - sets.leadingZeroBitCount))
        shards = (0..<count).map { _ in Shard() }
        setsInShard = sets / count
    }

    /// The most clients.
    var limit: Int { shards.count * setsInShard * Self.ways }

    /// Gives what is kept of a client's bucket to `body`, and keeps what that makes of it.
    func update<R: Sendable>(_ key: ClientKey, now: Int64, _ body: (inout Entry) -> R) -> R {
        let address = address(of: key)
        return shards[address.shard].places.withLock { places in
            let found = Self.position(of: key, in: places, at: address)
            let before = found.map { places[$0].entry } ?? Entry()
            var entry = before
            let result = body(&entry)
            guard entry != before else { return result }
            if places.isEmpty {
                places = ContiguousArray(repeating: Place(), count: setsInShard * Self.ways)
            }
            places[found ?? Self.positionForNew(in: places, at: address, now: now)] = Place(
                high: key.high,
                low: key.low,
                microseconds: entry.tat.microseconds,
                fraction: entry.tat.fraction,
                slack: entry.slack,
                moment: entry.moment
            )
            return result
        }
    }

    /// What is kept of a client's bucket.
    func entry(_ key: ClientKey) -> Entry {
        let address = address(of: key)
        return shards[address.shard].places.withLock { places in
            Self.position(of: key, in: places, at: address).map { places[$0].entry } ?? Entry()
        }
    }

    /// How many buckets are not full; linear in the limit, for tests.
    func count(now: Int64) -> Int {
        shards.reduce(0) { $0 + $1.places.withLock { places in places.count { $0.microseconds > now } } }
    }

    private func address(of key: ClientKey) -> Address {
        let hash = UInt64(bitPattern: Int64(key.hashValue))
        func set(_ bits: UInt64) -> Int {
            Int(((bits & 0x1fff_ffff) * UInt64(setsInShard)) >> 29) * Self.ways
        }
        return Address(shard: Int(hash >> 58) & (shards.count - 1), sets: (set(hash), set(hash >> 29)))
    }

    private static func position(of key: ClientKey, in places: ContiguousArray<Place>, at address: Address) -> Int? {
        guard !places.isEmpty else { return nil }
        for set in [address.sets.0, address.sets.1] {
            for position in set..<(set + ways) where places[position].holds(key) { return position }
        }
        return nil
    }

    private static func positionForNew(in places: ContiguousArray<Place>, at address: Address, now: Int64) -> Int {
        let first = emptiness(of: address.sets.0, in: places, now: now)
        let second = emptiness(of: address.sets.1, in: places, now: now)
        if first.free != second.free { return first.free > second.free ? first.fullest : second.fullest }
        return places[first.fullest].microseconds <= places[second.fullest].microseconds
            ? first.fullest : second.fullest
    }

    /// How many places of a set are as good as free, and which of them has the fullest bucket.
    private static func emptiness(
        of set: Int,
        in places: ContiguousArray<Place>,
        now: Int64
    ) -> (free: Int, fullest: Int) {
        var free = 0
        var fullest = set
        for position in set..<(set + ways) {
            if places[position].microseconds <= now { free += 1 }
            if places[position].microseconds < places[fullest].microseconds { fullest = position }
        }
        return (free, fullest)
    }
}
