internal import RESP
internal import RedisClient
internal import Synchronization

/// Knows how many processes share a Redis: each says every second that it is alive, by Redis' clock, and who has not for a while is
/// dropped.
final class ProcessRegistry: Sendable {
    static let key = "ratelimit:{processes}"
    static let lifetime: Duration = .seconds(15)

    private static let arrival = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local lifetime = tonumber(ARGV[2])
        redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - lifetime))
        redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + lifetime), '+inf')
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return redis.call('ZCARD', KEYS[1])
        """
    )

    private let client: any RedisCommanding
    private let identifier: String
    private let interval: Duration
    private let alive = Atomic(1)

    /// - Parameter interval: between signs of life, 50 ms to 5 s; each missed one is tried again a tenth of it later.
    init(client: any RedisCommanding, interval: Duration = .seconds(1)) {
        self.client = client
        self.interval = min(max(interval, .milliseconds(50)), Self.lifetime / 3)
        identifier = String(UInt64.random(in: 1...(.max)), radix: 16)
    }

    /// Processes last seen alive, this one among them.
    var count: Int { alive.load(ordering: .relaxed) }

    /// Gives signs of life until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let isSeen = await giveSign()
            try? await Task.sleep(for: isSeen ? interval : interval / 10)
        }
    }

    /// Tells the others at once that this process is gone.
    func leave() async {
        let command = RedisCommand(
            "ZREM",
            [RESPArgument(Self.key), RESPArgument(identifier)],
            keys: 0..<1,
            isWrite: true
        )
        _ = try? await client.send(command, timeout: .milliseconds(250))
    }

    private func giveSign() async -> Bool {
        let (seconds, attoseconds) = Self.lifetime.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        let reply = try? await client.evaluate(
            Self.arrival,
            keys: [Self.key],
            arguments: [RESPArgument(identifier), RESPArgument(milliseconds)],
            timeout: .milliseconds(250)
        )
        guard let count = reply?.integer else { return false }
        alive.store(max(1, Int(clamping: count)), ordering: .relaxed)
        return true
    }
}
