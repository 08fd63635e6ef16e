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
    private let timeout: Duration
    private let clock: MonotonicClock
    private let seen = Mutex(Seen())

    private struct Seen {
        var count = 1
        var most = 1
        var mostAt: Int64 = 0
    }

    /// - Parameters:
    ///   - interval: between signs of life, 50 ms to 5 s; each missed one is tried again a tenth of it later.
    ///   - timeout: for a reply: no longer than requests wait, because a server that is slower does not serve them.
    init(client: any RedisCommanding, interval: Duration, timeout: Duration, clock: MonotonicClock) {
        self.client = client
        self.timeout = timeout
        self.clock = clock
        self.interval = min(max(interval, .milliseconds(50)), Self.lifetime / 3)
        identifier = String(UInt64.random(in: 1...(.max)), radix: 16)
    }

    /// Processes last seen alive, this one among them.
    var count: Int { seen.withLock { $0.count } }

    /// The most that were seen alive within the last ``lifetime``. A Redis that comes back knows of one, then of two, and so on: shares
    /// that trusted this would be too large if it went away again.
    var recentCount: Int { seen.withLock { $0.most } }

    /// Gives signs of life until the task is cancelled.
    ///
    /// - Parameter onFailure: is told why one was missed.
    func run(onFailure: (RedisError) -> Void) async {
        while !Task.isCancelled {
            do throws(RedisError) {
                try await giveSign()
                try? await Task.sleep(for: interval)
            } catch {
                onFailure(error)
                try? await Task.sleep(for: interval / 10)
            }
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

    private func giveSign() async throws(RedisError) {
        let (seconds, attoseconds) = Self.lifetime.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        let reply = try await client.evaluate(
            Self.arrival,
            keys: [Self.key],
            arguments: [RESPArgument(identifier), RESPArgument(milliseconds)],
            timeout: timeout
        )
        guard let count = reply.integer else {
            throw RedisError(.protocolViolation, "the script of the processes gave another reply than expected")
        }
        noteCount(max(1, Int(clamping: count)))
    }

    private func noteCount(_ count: Int) {
        let now = clock.now()
        seen.withLock { seen in
            seen.count = count
            if count >= seen.most || now - seen.mostAt > Int64(Self.lifetime / .microseconds(1)) {
                seen.most = count
                seen.mostAt = now
            }
        }
    }
}
