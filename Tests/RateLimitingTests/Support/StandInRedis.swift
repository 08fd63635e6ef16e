import RESP
import RateLimiting
import RedisClient
import Synchronization

/// A Redis that does as a test says.
final class StandInRedis: RedisCommanding {
    enum Behaviour: Sendable {
        case replies(RESPValue)
        case fails(RedisError.Code)
        /// Says nothing until the call's time is over.
        case isSilent
    }

    private struct Storage {
        var state = RedisState(.connected)
        var behaviour = Behaviour.isSilent
        var calls: [(name: String, timeout: Duration?)] = []
    }

    private let storage = Mutex(Storage())
    private let onCall: @Sendable () -> Void

    /// - Parameter onCall: called while a call is on its way.
    init(onCall: @escaping @Sendable () -> Void = {}) {
        self.onCall = onCall
    }

    var state: RedisState { storage.withLock { $0.state } }
    var calls: [(name: String, timeout: Duration?)] { storage.withLock { $0.calls } }

    func set(_ level: RedisState.Level) { storage.withLock { $0.state = RedisState(level) } }
    func set(_ behaviour: Behaviour) { storage.withLock { $0.behaviour = behaviour } }

    var inFlightCount: Int { 0 }

    func onStateChange(_ listener: @escaping @Sendable (RedisState) -> Void) {}

    func perform(_ commands: [RedisCommand], timeout: Duration?) async -> [Result<RESPValue, RedisError>] {
        let behaviour = storage.withLock { storage in
            storage.calls += commands.map { ($0.name, timeout) }
            return storage.behaviour
        }
        onCall()
        switch behaviour {
        case .replies(let reply): return commands.map { _ in .success(reply) }
        case .fails(let code): return commands.map { _ in .failure(RedisError(code, "as the test says")) }
        case .isSilent: return commands.map { _ in .failure(RedisError(.timeout, "as the test says")) }
        }
    }
}

/// A clock that a test moves.
final class ManualClock: Sendable {
    private let time = Mutex<Int64>(1_000_000)

    var clock: MonotonicClock { MonotonicClock { self.time.withLock { $0 } } }

    func advance(by duration: Int64) { time.withLock { $0 += duration } }
}
