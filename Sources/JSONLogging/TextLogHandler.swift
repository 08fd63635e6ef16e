public import Logging

/// A swift-log backend for people at a terminal: `03:04:05.678 info  message  key=value key2="value with spaces"`.
///
/// Times are UTC. At `trace` and `debug` the line also names its logger and place in the source. Metadata is sorted by
/// key; of equal keys the one of the call wins, then the one of the handler, then the one of the provider. Controls,
/// line separators and direction overrides are escaped as in JSON, so that nobody whose words are logged can begin a
/// line or drive the terminal; strings of more than 16 KiB are cut and end in `…`. Nested metadata is shown as JSON.
public struct TextLogHandler: LogHandler {
    /// The least severe level that is written.
    public var logLevel: Logger.Level

    /// What every line of this handler carries.
    public var metadata: Logger.Metadata = [:]

    /// What is asked, for every line, for more to carry.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let writer: BufferedLineWriter
    private let clock: @Sendable () -> LogTimestamp

    /// A handler that hands its lines to `writer`.
    ///
    /// - Parameters:
    ///   - label: The name of the logger.
    ///   - writer: Takes the lines; several handlers share one.
    ///   - logLevel: The least severe level that is written.
    ///   - metadataProvider: What is asked, for every line, for more to carry.
    ///   - clock: Reads the time that a line carries.
    public init(
        label: String,
        writer: BufferedLineWriter,
        logLevel: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = nil,
        clock: @escaping @Sendable () -> LogTimestamp = LogTimestamp.now
    ) {
        self.label = label
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
        var line = LogLine(format: .text)
        line.render(event, logger: label, metadata: metadata, provider: metadataProvider, at: clock())
        line.write(to: writer)
    }
}
