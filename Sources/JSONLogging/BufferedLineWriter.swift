/// Takes finished lines from any thread and writes them to a file descriptor on a thread of its own.
///
/// Appending copies the line into memory and returns: it never waits for the descriptor. Lines that arrive within a
/// few milliseconds leave in one `write(2)`; each appender's lines keep their order.
///
/// Memory is bounded: twice `capacity`, one half being filled while the other is being written. When there is no
/// room, or the descriptor reports an error (a closed pipe, a full disk), lines are dropped and counted, and as soon
/// as lines can be written again one more says how many are missing. A closed pipe never kills the process.
///
/// Lines live in memory for up to `linger` before they are written: a process that traps loses those, and one that
/// exits calls ``shutdown(within:)`` first.
public final class BufferedLineWriter: Sendable {
    /// Renders the line that says how many lines are missing, without its line break.
    public typealias DropReport = @Sendable (_ dropped: Int) -> [UInt8]

    private let drain: LineDrain

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - descriptor: Where lines go, blocking or not. It stays the caller's, who keeps it open until
    ///     ``shutdown(within:)`` has returned true.
    ///   - capacity: How many bytes may wait to be written.
    ///   - linger: How long a line waits for others to leave with it; a buffer that is half full waits no longer.
    ///   - dropReport: Renders the line that says how many lines are missing: see ``LineFormat/dropReport(logger:clock:)``.
    /// - Throws: When the system has no thread to give.
    public init(
        descriptor: CInt,
        capacity: Int = 1_048_576,
        linger: Duration = .milliseconds(5),
        dropReport: @escaping DropReport
    ) throws(LineWriterStartError) {
        drain = LineDrain(descriptor: descriptor, capacity: capacity, linger: linger, dropReport: dropReport)
        try drain.start()
    }

    deinit {
        drain.requestStop()
    }

    /// How many lines were lost since the start, whether for want of room, for an error or after ``shutdown(within:)``.
    public var droppedLines: Int { drain.droppedLines }

    /// Appends one line; its line break is added where it has none. O(bytes), one lock, no system call unless the
    /// buffer was empty.
    ///
    /// - Parameter line: The bytes; a line break inside would make it two lines.
    /// - Returns: Whether there was room. When there was none the line is dropped and counted.
    @discardableResult
    public func append(_ line: RawSpan) -> Bool {
        line.withUnsafeBytes { append($0) }
    }

    /// Appends one line: see ``append(_:)-(RawSpan)``.
    ///
    /// - Returns: Whether there was room.
    @discardableResult
    public func append(_ line: String) -> Bool {
        var line = line
        return line.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    func append(_ line: UnsafeRawBufferPointer) -> Bool {
        drain.append(line)
    }

    /// Waits until every line appended before the call has left memory, written or lost to an error.
    ///
    /// - Parameter duration: How long to wait at most.
    /// - Returns: Whether that happened in time.
    @discardableResult
    public func flush(within duration: Duration) -> Bool {
        drain.flush(before: MonotonicInstant(after: duration))
    }

    /// Writes what is there and ends the thread; lines appended from now on are dropped and counted.
    ///
    /// A descriptor that takes nothing delays this by no more than `duration`. It may be called again.
    ///
    /// - Parameter duration: How long to wait at most.
    /// - Returns: Whether everything has left memory and the descriptor is not used any more. When not, the thread
    ///   stays behind, waiting for the descriptor, and does not keep the process from exiting.
    @discardableResult
    public func shutdown(within duration: Duration) -> Bool {
        drain.requestStop()
        return drain.waitUntilStopped(before: MonotonicInstant(after: duration))
    }
}

/// The system gave a ``BufferedLineWriter`` no thread.
public struct LineWriterStartError: Error, Hashable {
    /// The `errno` of `pthread_create(3)`.
    public let code: CInt
}
