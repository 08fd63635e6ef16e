package import NIOCore

/// The life of one client connection as a pure value: the handshake, the queue of calls that wait for replies, and time.
///
/// It does no I/O and reads no clock. Its owner feeds it events with the time at which they happened and carries out what it
/// returns. Replies come in the order of commands and bear no names, so a call that nobody waits for any more keeps its
/// place in the queue until its replies have come.
///
/// `Call` is whatever the owner completes when a reply is there.
package struct RESPConnectionStateMachine<Call> {
    enum Phase {
        case handshake(RESPHandshakeProgress, until: NIODeadline)
        case ready
        case closing(until: NIODeadline)
        case closed
    }

    struct Entry {
        /// Nil for a keep-alive.
        var call: Call?
        var isExpired = false
        /// Replies that are still to come, the skipped ones included.
        var missing: Int
        /// Replies of these that are dropped, because they answer a prefix such as `ASKING`.
        var skipped: Int
        var deadline: NIODeadline
        var sentAt: NIODeadline
    }

    let timing: RESPConnectionTiming
    var phase: Phase
    var queue = CircularBuffer<Entry>()
    /// Not later than the earliest deadline of a call; it may be earlier, which costs a look.
    var nextExpiry: NIODeadline?
    /// When bytes came last, or when the connection became ready.
    var lastHeard: NIODeadline

    /// A connection whose channel has just become active.
    package init(handshake: RESPHandshake, timing: RESPConnectionTiming, now: NIODeadline) {
        self.timing = timing
        phase = .handshake(RESPHandshakeProgress(handshake), until: now + timing.handshakeTimeout)
        lastHeard = now
    }

    /// What to send first.
    package var openingCommands: [[RESPArgument]] {
        if case .handshake(let progress, _) = phase { progress.openingCommands } else { [] }
    }

    /// Whether calls are taken.
    package var isReady: Bool {
        if case .ready = phase { true } else { false }
    }

    /// Whether a graceful close has begun and nothing is owed any more.
    package var isDrained: Bool {
        if case .closing = phase { queue.isEmpty } else { false }
    }

    /// How many calls and keep-alives wait for replies, expired ones included.
    package var owedCount: Int { queue.count }

    // MARK: Calls

    /// A call is about to be written.
    ///
    /// - Parameters:
    ///   - replies: how many of its replies the call wants, at least one.
    ///   - skipping: how many replies come before these and are dropped.
    /// - Returns: whether to write it; if not, its owner has to fail it.
    package mutating func enqueue(
        _ call: Call,
        replies: Int,
        skipping: Int = 0,
        deadline: NIODeadline,
        at now: NIODeadline
    ) -> Bool {
        guard isReady, replies > 0 else { return false }
        queue.append(
            Entry(call: call, missing: replies + skipping, skipped: skipping, deadline: deadline, sentAt: now)
        )
        nextExpiry = nextExpiry.map { min($0, deadline) } ?? deadline
        return true
    }

    // MARK: Replies

    /// What to do with a reply.
    package enum ReplyAction {
        /// Nothing: it belongs to the handshake, to a prefix or to a call that has expired.
        ///
        /// With the last reply to an expired call comes the call, because its place in the queue is free from now on.
        case drop(finished: Call?)
        /// Send these commands and go on.
        case write([[RESPArgument]])
        /// The handshake is done: calls are taken from now on.
        case ready(RESPGreeting)
        /// Hand it to this call.
        case reply(Call, RESPValue, isLast: Bool)
        /// Hand it to whoever wants messages that answer nothing.
        case push([RESPValue])
        /// The connection cannot go on.
        case close(RESPConnectionFault)
    }

    /// Bytes came, whatever they are: the server lives.
    package mutating func bytesReceived(at now: NIODeadline) {
        lastHeard = now
    }

    /// A complete value came.
    package mutating func received(_ value: RESPValue, at now: NIODeadline) -> ReplyAction {
        if case .push(let elements) = value { return .push(elements) }
        switch phase {
        case .handshake(var progress, let until):
            let step = progress.received(value)
            phase = .handshake(progress, until: until)
            return handshakeAction(step, at: now)
        case .ready, .closing:
            return answer(with: value)
        case .closed:
            return .drop(finished: nil)
        }
    }

    private mutating func handshakeAction(_ step: RESPHandshakeProgress.Next, at now: NIODeadline) -> ReplyAction {
        switch step {
        case .wait: return .drop(finished: nil)
        case .write(let commands): return .write(commands)
        case .refused(let step, let error): return .close(.handshakeRefused(step: step, error))
        case .done(let greeting):
            phase = .ready
            lastHeard = now
            return .ready(greeting)
        }
    }

    private mutating func answer(with value: RESPValue) -> ReplyAction {
        guard !queue.isEmpty else { return .close(.unsolicitedReply) }
        let index = queue.startIndex
        let isSkipped = queue[index].skipped > 0
        if isSkipped { queue[index].skipped -= 1 }
        queue[index].missing -= 1
        let entry = queue[index]
        let isLast = entry.missing == 0
        if isLast { queue.removeFirst() }
        guard let call = entry.call, !entry.isExpired, !isSkipped else {
            return .drop(finished: isLast ? entry.call : nil)
        }
        return .reply(call, value, isLast: isLast)
    }

    // MARK: The end

    /// No calls are taken any more; what is owed is waited for, within a limit.
    ///
    /// - Returns: whether to close at once, because nothing is owed.
    package mutating func closeGracefully(at now: NIODeadline) -> Bool {
        switch phase {
        case .ready:
            phase = .closing(until: now + timing.closeTimeout)
            return queue.isEmpty
        case .handshake: return true
        case .closing, .closed: return false
        }
    }

    /// The connection is gone or about to be closed.
    ///
    /// - Returns: the calls that get no reply any more, in order.
    package mutating func closed() -> [Call] {
        phase = .closed
        nextExpiry = nil
        defer { queue.removeAll() }
        return queue.compactMap { $0.isExpired ? nil : $0.call }
    }
}
