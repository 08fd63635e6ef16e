internal import NIOCore
internal import RESP
internal import Synchronization

/// One or several commands on their way, and the task that waits for their replies.
///
/// The first of reply, expiry, loss of the connection and cancellation ends it; what comes later is ignored. Each of these
/// comes from a thread of its own, hence the lock.
final class PendingCall: Sendable {
    typealias Outcome = Result<[RESPValue], RedisError>

    let commands: [RedisCommand]
    /// Whether an `ASKING` goes before each command.
    let isAsking: Bool
    let deadline: NIODeadline
    /// When it set out for its connection.
    let departure = NIODeadline.now()
    /// What the commands have in bytes on the wire.
    let byteCount: Int

    private enum State {
        case idle
        case waiting(CheckedContinuation<Outcome, Never>, replies: [RESPValue])
        case ended(Outcome)
        case delivered
    }

    private let state = Mutex(State.idle)

    init(_ commands: [RedisCommand], isAsking: Bool = false, deadline: NIODeadline) {
        self.commands = commands
        self.isAsking = isAsking
        self.deadline = deadline
        byteCount = commands.reduce(0) { $0 + ByteBuffer.respCommandLength($1.words) }
    }

    /// Whether nobody waits any more.
    var isEnded: Bool {
        state.withLock { state in
            switch state {
            case .idle, .waiting: false
            case .ended, .delivered: true
            }
        }
    }

    /// Waits for the outcome with this continuation, which is resumed exactly once.
    func wait(_ continuation: CheckedContinuation<Outcome, Never>) {
        let outcome: Outcome? = state.withLock { state in
            guard case .ended(let outcome) = state else {
                state = .waiting(continuation, replies: [])
                return nil
            }
            state = .delivered
            return outcome
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    /// A reply came.
    func receive(_ value: RESPValue, isLast: Bool) {
        let resumption: (CheckedContinuation<Outcome, Never>, [RESPValue])? = state.withLock { state in
            guard case .waiting(let continuation, var replies) = state else { return nil }
            replies.append(value)
            state = isLast ? .delivered : .waiting(continuation, replies: replies)
            return isLast ? (continuation, replies) : nil
        }
        if let (continuation, replies) = resumption { continuation.resume(returning: .success(replies)) }
    }

    /// No replies come, for this reason.
    func fail(_ error: RedisError) {
        let continuation: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            switch state {
            case .idle:
                state = .ended(.failure(error))
                return nil
            case .waiting(let continuation, _):
                state = .delivered
                return continuation
            case .ended, .delivered:
                return nil
            }
        }
        continuation?.resume(returning: .failure(error))
    }
}
