internal import DequeModule
internal import Logging
internal import Synchronization

/// Tells of changes of state, each once and in order: one log line, the observer, whoever listens.
///
/// Changes come from several threads. The lock keeps them in a queue, and whoever finds nobody at work delivers them.
final class StateReporter: Sendable {
    typealias Listener = @Sendable (RedisState) -> Void

    private struct Storage {
        var current = RedisState(.starting)
        var queue: Deque<RedisState> = []
        var isDelivering = false
        var listeners: [Listener] = []
    }

    private let storage = Mutex(Storage())
    private let logger: Logger
    private let observer: (any RedisObserver)?

    init(logger: Logger, observer: (any RedisObserver)?) {
        self.logger = logger
        self.observer = observer
    }

    var current: RedisState { storage.withLock { $0.current } }

    func addListener(_ listener: @escaping Listener) {
        storage.withLock { $0.listeners.append(listener) }
    }

    /// Notes the state. Only another level is a change; another reason for the same level is not told.
    ///
    /// - Parameter state: called under the lock, so that the latest state is the one that stays.
    func update(_ state: () -> RedisState) {
        let isMine = storage.withLock { storage in
            let next = state()
            let isChange = next.level != storage.current.level
            storage.current = next
            guard isChange else { return false }
            storage.queue.append(next)
            defer { storage.isDelivering = true }
            return !storage.isDelivering
        }
        if isMine { deliver() }
    }

    private func deliver() {
        while true {
            let next: (RedisState, [Listener])? = storage.withLock { storage in
                guard let state = storage.queue.popFirst() else {
                    storage.isDelivering = false
                    return nil
                }
                return (state, storage.listeners)
            }
            guard let (state, listeners) = next else { return }
            log(state)
            observer?.stateChanged(to: state)
            for listener in listeners { listener(state) }
        }
    }

    private func log(_ state: RedisState) {
        let reason = state.reason ?? ""
        switch state.level {
        case .starting: break
        case .connected: logger.info("Redis is connected")
        case .degraded: logger.warning("Redis is degraded", metadata: ["reason": "\(reason)"])
        case .down: logger.warning("Redis is down", metadata: ["reason": "\(reason)"])
        }
    }
}
