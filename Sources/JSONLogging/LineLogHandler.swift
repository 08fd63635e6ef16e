public import Logging

/// A swift-log backend that writes one line an event: a JSON object (RFC 8259) or text for people at a terminal.
///
/// A JSON line holds `timestamp` (RFC 3339, UTC, milliseconds), `level`, `message` and `logger`; at `trace` and `debug` also
/// `source`, `file`, `function` and `line`; `error` where the event carries one; then the metadata, sorted by key:
/// strings, numbers and booleans as what they are, nested metadata as objects and arrays down to eight levels. A text line
/// is `03:04:05.678 info  message  key=value key2="value with spaces"`.
///
/// Of equal metadata keys the one of the call wins, then the one of the handler, then the one of the provider. A key
/// that the line uses itself gets the prefix `metadata.`. Every line is valid UTF-8 without a line break inside,
/// whatever went into it: controls, line separators and direction overrides are escaped, so that nobody whose words are
/// logged can begin a line or drive a terminal. Strings of more than 16 KiB are cut and end in `…`. Logging never blocks:
/// see ``BufferedLineWriter`` for what happens to lines that nobody reads.
public struct LineLogHandler: LogHandler {
    /// The least severe level that is written.
    public var logLevel: Logger.Level

    /// What every line of this handler carries.
    public var metadata: Logger.Metadata = [:]

    /// What is asked, for every line, for more to carry.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: LineFormat
    private let writer: BufferedLineWriter
    private let clock: @Sendable () -> LogTimestamp

    /// A handler that hands its lines to `writer`.
    ///
    /// - Parameters:
    ///   - label: The name of the logger.
    ///   - format: How lines are written down.
    ///   - writer: Takes the lines; several handlers share one.
    ///   - logLevel: The least severe level that is written.
    ///   - metadataProvider: What is asked, for every line, for more to carry.
    ///   - clock: Reads the time that a line carries.
    public init(
        label: String,
        format: LineFormat,
        writer: BufferedLineWriter,
        logLevel: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = nil,
        clock: @escaping @Sendable () -> LogTimestamp = LogTimestamp.now
    ) {
        self.label = label
        self.format = format
        self.writer = writer
        self.logLevel = logLevel
        self.metadataProvider = metadataProvider
        self.clock = clock
    }

    /// One metadata value that every line of this handler carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Renders the event and hands it to the writer; returns at once.
    public func log(event: LogEvent) {
        var line = LogLine(format: format)
        line.render(event, logger: label, metadata: metadata, provider: metadataProvider, at: clock())
        line.write(to: writer)
    }
}
