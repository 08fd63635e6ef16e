import Logging

/// How a log line is written down.
public enum LineFormat: String, Sendable, Hashable, CaseIterable {
    /// One JSON object a line (RFC 8259), for machines.
    case json

    /// `03:04:05.678 info  message  key=value`, for people at a terminal.
    case text

    /// What a ``BufferedLineWriter`` calls to say, in this format, how many lines are missing.
    ///
    /// - Parameters:
    ///   - logger: The `logger` field of the line.
    ///   - clock: Reads the time that the line carries.
    /// - Returns: A renderer of a `warning` with the field `dropped`.
    public func dropReport(
        logger: String,
        clock: @escaping @Sendable () -> LogTimestamp = LogTimestamp.now
    ) -> BufferedLineWriter.DropReport {
        { dropped in
            var line = LogLine(format: self)
            line.begin(level: .warning, message: "log lines dropped", logger: logger, at: clock())
            line.append("dropped", dropped)
            return line.finish()
        }
    }
}
