internal import Synchronization

/// Where tasks on any thread leave calls for a connection's event loop, and what bounds them.
///
/// A lock guards it, because the bound has to be exact and because one wake-up of the event loop shall take along
/// every call that was left before it ran.
final class CallMailbox: Sendable {
    enum Submission {
        /// It is taken along by a wake-up that is already on its way.
        case accepted
        /// It is taken along, if the event loop is woken up.
        case acceptedNeedsWakeUp
        case refused(RedisError)
    }

    private struct State {
        var waiting: [PendingCall] = []
        var commandCount = 0
        var byteCount = 0
        var closeReason: RedisError?
    }

    private let limits: RedisLimits
    private let endpoint: RedisEndpoint
    private let state = Mutex(State())

    init(limits: RedisLimits, endpoint: RedisEndpoint) {
        self.limits = limits
        self.endpoint = endpoint
    }

    /// Commands that wait for their replies, those not yet written included.
    var commandCount: Int { state.withLock { $0.commandCount } }

    /// Why nothing is taken any more; nil while calls are taken.
    var closeReason: RedisError? { state.withLock { $0.closeReason } }

    func submit(_ call: PendingCall) -> Submission {
        state.withLock { state in
            if let reason = state.closeReason { return .refused(reason) }
            guard state.commandCount + call.commands.count <= limits.inFlightCommands else {
                return .refused(full("\(limits.inFlightCommands) commands"))
            }
            guard state.byteCount + call.byteCount <= limits.inFlightBytes else {
                return .refused(full("\(limits.inFlightBytes) bytes"))
            }
            state.commandCount += call.commands.count
            state.byteCount += call.byteCount
            state.waiting.append(call)
            return state.waiting.count == 1 ? .acceptedNeedsWakeUp : .accepted
        }
    }

    /// All that is left here, in order.
    func takeWaiting() -> [PendingCall] {
        state.withLock { state in
            defer { state.waiting.removeAll(keepingCapacity: false) }
            return state.waiting
        }
    }

    /// The place of a call that waits for nothing any more is free again.
    func release(_ call: PendingCall) {
        state.withLock { state in
            state.commandCount -= call.commands.count
            state.byteCount -= call.byteCount
        }
    }

    /// Takes nothing more from now on, for this reason; the first reason stays.
    func close(_ reason: RedisError) {
        state.withLock { if $0.closeReason == nil { $0.closeReason = reason } }
    }

    private func full(_ limit: String) -> RedisError {
        RedisError(
            .queueFull,
            "not sent: \(limit) are in flight, which is the limit; Redis is slower than it is asked",
            endpoint: endpoint
        )
    }
}
