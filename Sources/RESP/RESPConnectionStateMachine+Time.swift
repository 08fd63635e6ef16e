package import NIOCore

/// How long a connection waits for what.
package struct RESPConnectionTiming: Sendable, Hashable {
    /// For the whole handshake.
    package var handshakeTimeout: TimeAmount
    /// Without traffic, until a `PING` is sent.
    package var keepAliveInterval: TimeAmount
    /// For any byte while replies are owed, until the server is given up.
    package var silenceTimeout: TimeAmount
    /// For owed replies once the connection is being closed.
    package var closeTimeout: TimeAmount

    /// These times.
    package init(
        handshakeTimeout: TimeAmount,
        keepAliveInterval: TimeAmount,
        silenceTimeout: TimeAmount,
        closeTimeout: TimeAmount
    ) {
        self.handshakeTimeout = handshakeTimeout
        self.keepAliveInterval = keepAliveInterval
        self.silenceTimeout = silenceTimeout
        self.closeTimeout = closeTimeout
    }
}

extension RESPConnectionStateMachine {
    /// What to do when a moment has come.
    package struct TimerAction {
        /// Calls whose time is up. Their places in the queue stay.
        package var expired: [Call] = []
        /// Whether to write ``keepAliveCommand``, whose reply is accounted for.
        package var sendsKeepAlive = false
        /// Why the connection has to be closed, if it has to.
        package var fault: RESPConnectionFault?
    }

    /// What keeps a connection alive.
    package static var keepAliveCommand: [RESPArgument] { ["PING"] }

    /// The next moment at which something may happen by itself.
    package var deadline: NIODeadline? {
        switch phase {
        case .handshake(_, let until): until
        case .ready: [nextExpiry, quietDeadline].compactMap { $0 }.min()
        case .closing(let until): [until, nextExpiry, queue.isEmpty ? nil : quietDeadline].compactMap { $0 }.min()
        case .closed: nil
        }
    }

    /// When silence is too long: the server's if it owes something, else the connection's.
    private var quietDeadline: NIODeadline {
        guard let oldest = queue.first else { return lastHeard + timing.keepAliveInterval }
        return max(lastHeard, oldest.sentAt) + timing.silenceTimeout
    }

    /// Says what is due at `now`. Linear in the queue where calls expire.
    package mutating func timerFired(at now: NIODeadline) -> TimerAction {
        var action = TimerAction()
        switch phase {
        case .closed: return action
        case .handshake(_, let until):
            if until <= now { action.fault = .handshakeTimeout }
            return action
        case .closing(let until) where until <= now: action.fault = .closeTimeout
        case .ready, .closing: break
        }
        if let nextExpiry, nextExpiry <= now { action.expired = expireCalls(at: now) }
        guard action.fault == nil, quietDeadline <= now else { return action }
        if queue.isEmpty {
            guard isReady else { return action }
            queue.append(
                Entry(call: nil, missing: 1, skipped: 0, deadline: .distantFuture, sentAt: now)
            )
            action.sendsKeepAlive = true
        } else {
            action.fault = .peerSilent
        }
        return action
    }

    private mutating func expireCalls(at now: NIODeadline) -> [Call] {
        var expired: [Call] = []
        var next: NIODeadline?
        for index in queue.indices {
            guard let call = queue[index].call, !queue[index].isExpired else { continue }
            let deadline = queue[index].deadline
            if deadline <= now {
                expired.append(call)
                queue[index].isExpired = true
            } else {
                next = next.map { min($0, deadline) } ?? deadline
            }
        }
        nextExpiry = next
        return expired
    }
}
