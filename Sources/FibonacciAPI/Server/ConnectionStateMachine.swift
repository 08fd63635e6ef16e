import DequeModule
import NIOCore

/// The life of one HTTP/1.1 connection as a pure value: what is being read, which answers are owed, when time is up.
///
/// It does no I/O and reads no clock. ``HTTPConnectionHandler`` feeds it events with the time at which they happened and
/// carries out what it says.
struct ConnectionStateMachine {
    /// What an answer has to say about the connection, and what happens after it.
    struct AnswerPlan: Equatable {
        enum ConnectionField: Equatable {
            case absent
            case keepAlive
            case close
        }

        var connectionField: ConnectionField
        var then: Next

        enum Next: Equatable {
            case keepOpen
            case closeOutput
            case answerFault(ConnectionFault)
        }
    }

    /// What to do when a moment has come.
    enum TimerAction: Equatable {
        case none
        /// Close both directions at once.
        case close
        /// Answer this fault.
        case answerFault(ConnectionFault)
        /// Find out whether the client, which has closed its side, still reads.
        case probe
        /// Look how much the client has taken, and tell ``outputObserved(flushed:isPending:at:)``.
        case checkOutput
    }

    private enum Reading: Equatable {
        case idle(since: NIODeadline)
        case head(since: NIODeadline)
        case body(since: NIODeadline, received: Int)
        /// Nothing that comes is a request any more.
        case finished
    }

    private struct OwedAnswer: Equatable {
        var isKeepAlive: Bool
        var isHTTP10: Bool
    }

    /// Bytes that are written but that the client has not taken.
    private struct PendingOutput: Equatable {
        var flushed: Int
        var progressedAt: NIODeadline
        var checkedAt: NIODeadline
    }

    private let limits: ConnectionLimits
    private var reading: Reading
    private var current = OwedAnswer(isKeepAlive: true, isHTTP10: false)
    private var owed: Deque<OwedAnswer> = []
    private var fault: ConnectionFault?
    private var quiescingSince: NIODeadline?
    private var lingerDeadline: NIODeadline?
    private var probeDeadline: NIODeadline?
    private var isOutputClosed = false
    private var pendingOutput: PendingOutput?

    init(limits: ConnectionLimits, now: NIODeadline) {
        self.limits = limits
        self.reading = .idle(since: now)
    }

    /// Whether what arrives is thrown away unread.
    var discardsInput: Bool { reading == .finished }

    /// Whether the next byte begins a request.
    var isBetweenRequests: Bool {
        if case .idle = reading { true } else { false }
    }

    /// How many requests wait for their answer.
    var owedCount: Int { owed.count }

    // MARK: Input

    mutating func bytesReceived(at now: NIODeadline) {
        if case .idle = reading {
            reading = .head(since: now)
        }
    }

    /// A header section is complete.
    ///
    /// - Returns: a fault if the body that it announces is too large.
    mutating func headReceived(
        isKeepAlive: Bool,
        isHTTP10: Bool,
        contentLength: Int?,
        at now: NIODeadline
    ) -> ConnectionFault? {
        guard reading != .finished else { return nil }
        current = OwedAnswer(isKeepAlive: isKeepAlive, isHTTP10: isHTTP10)
        reading = .body(since: now, received: 0)
        if let contentLength, contentLength > limits.maximumBodySize {
            return .contentTooLarge(limit: limits.maximumBodySize)
        }
        return nil
    }

    /// Part of a body came.
    ///
    /// - Returns: a fault once the body is too large.
    mutating func bodyReceived(_ count: Int) -> ConnectionFault? {
        guard case .body(let since, let received) = reading else { return nil }
        reading = .body(since: since, received: received + count)
        return received + count > limits.maximumBodySize ? .contentTooLarge(limit: limits.maximumBodySize) : nil
    }

    /// A request is complete, and an answer to it is owed.
    mutating func requestReceived(at now: NIODeadline) {
        guard case .body = reading else { return }
        owed.append(current)
        reading = current.isKeepAlive ? .idle(since: now) : .finished
    }

    /// Reading failed for good.
    ///
    /// - Returns: whether to answer the fault now; otherwise it follows the answers that are owed.
    mutating func faulted(_ fault: ConnectionFault) -> Bool {
        guard reading != .finished else { return false }
        reading = .finished
        if owed.isEmpty { return true }
        self.fault = fault
        return false
    }

    /// The client closed its side: it may have gone, or still read the answers that are owed. Where they take long, it is probed.
    mutating func inputClosed(at now: NIODeadline) {
        reading = .finished
        guard !owed.isEmpty else { return }
        probeDeadline = now.advanced(by: limits.probeDelay)
    }

    // MARK: Output

    /// An answer is about to be written.
    ///
    /// - Parameter isDraining: whether connections should end with their present request.
    mutating func answer(isDraining: Bool, at now: NIODeadline) -> AnswerPlan {
        guard let request = owed.popFirst() else { return AnswerPlan(connectionField: .close, then: .closeOutput) }
        if owed.isEmpty { probeDeadline = nil }
        let isLast = owed.isEmpty && (reading == .finished || isBetweenRequests)
        if isLast, let fault {
            self.fault = nil
            return AnswerPlan(connectionField: .absent, then: .answerFault(fault))
        }
        if !request.isKeepAlive || (isLast && (reading == .finished || isDraining || quiescingSince != nil)) {
            reading = .finished
            return AnswerPlan(connectionField: .close, then: .closeOutput)
        }
        if owed.isEmpty { restartReadingClock(at: now) }
        return AnswerPlan(connectionField: request.isHTTP10 ? .keepAlive : .absent, then: .keepOpen)
    }

    /// The time that answers took is not the client's.
    private mutating func restartReadingClock(at now: NIODeadline) {
        switch reading {
        case .idle: reading = .idle(since: now)
        case .head: reading = .head(since: now)
        case .body(_, let received): reading = .body(since: now, received: received)
        case .finished: break
        }
    }

    /// The output is closed behind what is written; the input stays open for a while after that, so that the last answer is not
    /// lost to a reset.
    mutating func outputClosed(at now: NIODeadline) {
        reading = .finished
        isOutputClosed = true
        if pendingOutput == nil { lingerDeadline = now.advanced(by: limits.lingerTimeout) }
    }

    /// How the output stands after a flush or a look at it. While a client is behind, no other clock runs.
    ///
    /// - Parameters:
    ///   - flushed: how many bytes the system has taken since the beginning.
    ///   - isPending: whether others wait.
    /// - Returns: whether the client has taken nothing for too long.
    mutating func outputObserved(flushed: Int, isPending: Bool, at now: NIODeadline) -> Bool {
        guard isPending else {
            if pendingOutput == nil { return false }
            pendingOutput = nil
            restartReadingClock(at: now)
            if isOutputClosed { lingerDeadline = now.advanced(by: limits.lingerTimeout) }
            return false
        }
        guard var pending = pendingOutput, flushed <= pending.flushed else {
            pendingOutput = PendingOutput(flushed: flushed, progressedAt: now, checkedAt: now)
            return false
        }
        pending.checkedAt = now
        pendingOutput = pending
        return pending.progressedAt.advanced(by: limits.writeTimeout) <= now
    }

    // MARK: Shutdown and time

    /// The server closes: no request may begin after a short grace.
    mutating func quiesce(at now: NIODeadline) {
        if quiescingSince == nil { quiescingSince = now }
    }

    /// The next moment at which something happens by itself.
    var deadline: NIODeadline? {
        if let pendingOutput { return pendingOutput.checkedAt.advanced(by: limits.outputCheckInterval) }
        return [lingerDeadline, probeDeadline, readingDeadline].compactMap { $0 }.min()
    }

    private var readingDeadline: NIODeadline? {
        // While answers are owed it is this side that is slow.
        guard owed.isEmpty else { return nil }
        switch reading {
        case .idle(let since):
            let idle = since.advanced(by: limits.idleTimeout)
            return quiescingSince.map { min(idle, $0.advanced(by: limits.quiesceGrace)) } ?? idle
        case .head(let since), .body(let since, _):
            return since.advanced(by: limits.requestTimeout)
        case .finished:
            return nil
        }
    }

    /// Says what is due at `now`.
    mutating func timerFired(at now: NIODeadline) -> TimerAction {
        guard let deadline, deadline <= now else { return .none }
        if pendingOutput != nil { return .checkOutput }
        if let lingerDeadline, lingerDeadline <= now { return .close }
        if let probeDeadline, probeDeadline <= now {
            // An HTTP/1.0 client knows no interim answers: whoever closed its side and waits so long is taken for gone.
            if owed.first?.isHTTP10 == true { return .close }
            self.probeDeadline = now.advanced(by: limits.probeInterval)
            return .probe
        }
        if isBetweenRequests { return .close }
        reading = .finished
        return .answerFault(.requestTimeout)
    }
}

extension NIODeadline {
    /// The moment that is `duration` later.
    fileprivate func advanced(by duration: Duration) -> NIODeadline {
        self + TimeAmount(duration)
    }
}
