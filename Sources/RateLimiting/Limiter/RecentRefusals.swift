internal import RedisClient
internal import Synchronization

/// Remembers that Redis has answered with an error, which its client does not count as an outage.
final class RecentRefusals: Sendable {
    private static let memory: Int64 = 10_000_000

    private let clock: MonotonicClock
    private let last = Mutex<(reason: String, time: Int64)?>(nil)

    init(clock: MonotonicClock) {
        self.clock = clock
    }

    /// Why Redis refused something within the last ten seconds.
    var recent: String? {
        let now = clock.now()
        return last.withLock { last in
            guard let noted = last, now - noted.time < Self.memory else { return nil }
            return noted.reason
        }
    }

    func note(_ error: RedisError) {
        // Silence and lost connections are the client's to judge.
        guard case .reply = error.code else { return }
        let now = clock.now()
        last.withLock { $0 = (error.description, now) }
    }
}
