#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The part of a ``BufferedLineWriter`` that its thread keeps alive.
final class LineDrain: Sendable {
    private enum Phase {
        case running, stopping, stopped
    }

    private struct State: ~Copyable {
        var pending: ByteBuffer
        /// Lines dropped for want of room that no report has been made of yet.
        var overflow = 0
        /// Lines that came in and lines dealt with: `flush` waits for the second to reach the first.
        var submitted = 0
        var completed = 0
        var dropped = 0
        var flushers = 0
        var phase = Phase.running

        var hasWork: Bool { !pending.isEmpty || overflow > 0 }
    }

    private let monitor: Monitor<State>
    private let descriptor: CInt
    private let capacity: Int
    private let linger: Duration
    private let dropReport: BufferedLineWriter.DropReport

    init(descriptor: CInt, capacity: Int, linger: Duration, dropReport: @escaping BufferedLineWriter.DropReport) {
        self.descriptor = descriptor
        self.capacity = max(capacity, 64)
        self.linger = linger
        self.dropReport = dropReport
        monitor = Monitor(State(pending: ByteBuffer(capacity: self.capacity)))
    }

    var droppedLines: Int { monitor.withLock { $0.dropped } }

    func append(_ line: UnsafeRawBufferPointer) -> Bool {
        let isTerminated = line.last == UInt8(ascii: "\n")
        let length = line.count + (isTerminated ? 0 : 1)
        let (isAccepted, wakes) = monitor.withLock { state -> (Bool, Bool) in
            guard state.phase == .running else {
                state.dropped += 1
                return (false, false)
            }
            state.submitted += 1
            let hadWork = state.hasWork
            guard state.pending.count + length <= capacity else {
                state.overflow += 1
                state.dropped += 1
                return (false, !hadWork)
            }
            let wasBelowHalf = state.pending.count < capacity / 2
            state.pending.append(line)
            if !isTerminated {
                state.pending.append(UInt8(ascii: "\n"))
            }
            return (true, !hadWork || (wasBelowHalf && state.pending.count >= capacity / 2))
        }
        if wakes {
            monitor.notify()
        }
        return isAccepted
    }

    func flush(before deadline: MonotonicInstant) -> Bool {
        let target = monitor.withLock { state in
            state.flushers += 1
            return state.submitted
        }
        monitor.notify()
        let isDone = monitor.withLock(when: { $0.completed >= target }, before: deadline) { _ in true } ?? false
        monitor.withLock { $0.flushers -= 1 }
        return isDone
    }

    func requestStop() {
        monitor.withLock { state in
            if state.phase == .running {
                state.phase = .stopping
            }
        }
        monitor.notify()
    }

    func waitUntilStopped(before deadline: MonotonicInstant) -> Bool {
        monitor.withLock(when: { $0.phase == .stopped }, before: deadline) { _ in true } ?? false
    }
}

extension LineDrain {
    /// Starts the thread; it ends when it was asked to stop and has nothing left to write.
    func start() throws(LineWriterStartError) {
        let context = Unmanaged.passRetained(self)
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let code = pthread_create(&thread, nil, Self.threadMain, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw LineWriterStartError(code: code)
        }
        #if canImport(Glibc)
            pthread_detach(thread)
        #else
            if let thread {
                pthread_detach(thread)
            }
        #endif
    }

    #if canImport(Darwin)
        private typealias ThreadMain = @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?
    #else
        private typealias ThreadMain = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
    #endif

    private static let threadMain: ThreadMain = { context in
        let context: UnsafeMutableRawPointer? = context
        if let context {
            Unmanaged<LineDrain>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
    }

    private func run() {
        blockBrokenPipeSignal()
        var output = LineOutput(descriptor: descriptor)
        var batch = ByteBuffer(capacity: capacity)
        var unreported = 0
        while let (overflow, submitted) = take(&batch) {
            if unreported > 0, report(unreported, to: &output) {
                unreported = 0
            }
            let lost = batch.withBytes { output.write($0) }
            unreported += lost + overflow
            if lost == 0, unreported > 0, report(unreported, to: &output) {
                unreported = 0
            }
            monitor.withLock { state in
                state.dropped += lost
                state.completed = submitted
            }
            monitor.notify()
        }
    }

    /// Waits for lines, lets a few more come, and exchanges the full buffer for the empty one.
    private func take(_ batch: inout ByteBuffer) -> (overflow: Int, submitted: Int)? {
        batch.removeAll()
        let isStopped = monitor.withLock(when: { $0.hasWork || $0.phase != .running }) { state in
            guard !state.hasWork else { return false }
            state.phase = .stopped
            return true
        }
        guard isStopped == false else {
            monitor.notify()
            return nil
        }
        let half = capacity / 2
        _ = monitor.withLock(
            when: { $0.flushers > 0 || $0.phase != .running || $0.overflow > 0 || $0.pending.count >= half },
            before: MonotonicInstant(after: linger),
            { _ in }
        )
        return monitor.withLock { state in
            swap(&state.pending, &batch)
            defer { state.overflow = 0 }
            return (state.overflow, state.submitted)
        }
    }

    private func report(_ dropped: Int, to output: inout LineOutput) -> Bool {
        var line = dropReport(dropped)
        if line.last != UInt8(ascii: "\n") {
            line.append(UInt8(ascii: "\n"))
        }
        return line.withUnsafeBytes { output.write($0) } == 0
    }

    /// For this thread alone: `write(2)` then fails with EPIPE and nothing more.
    private func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
