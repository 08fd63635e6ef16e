import Logging

extension LogLine {
    /// Renders what a handler was given: the event, and the metadata of the call over the handler's over the
    /// provider's.
    mutating func render(
        _ event: LogEvent,
        logger: String,
        metadata: Logger.Metadata,
        provider: Logger.MetadataProvider?,
        at timestamp: LogTimestamp
    ) {
        begin(level: event.level, message: event.message.description, logger: logger, at: timestamp)
        if event.level <= .debug {
            field("source", string: event.source)
            field("file", string: event.file)
            field("function", string: event.function)
            separateField()
            buffer.append(format == .json ? "\"line\":" : "line=")
            buffer.appendDecimal(UInt64(event.line))
        }
        if let error = event.error {
            field("error", string: "\(error)")
        }
        let merged = Self.merge(provider?.get() ?? [:], metadata, event.metadata ?? [:])
        guard !merged.isEmpty else { return }
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            appendField(key, value, isErrorTaken: event.error != nil)
        }
    }

    private mutating func appendField(_ key: String, _ value: Logger.MetadataValue, isErrorTaken: Bool) {
        separateField()
        var key = key
        key.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            if ReservedKeys.contain(bytes, andError: isErrorTaken) {
                appendPrefixedName(bytes)
            } else {
                appendName(bytes)
            }
        }
        appendValue(value)
    }

    /// One dictionary of three, the last one first in rank; no copy where one says everything.
    private static func merge(
        _ lowest: Logger.Metadata,
        _ middle: Logger.Metadata,
        _ highest: Logger.Metadata
    ) -> Logger.Metadata {
        overlay(overlay(lowest, middle), highest)
    }

    private static func overlay(_ lower: Logger.Metadata, _ upper: Logger.Metadata) -> Logger.Metadata {
        if upper.isEmpty { return lower }
        if lower.isEmpty { return upper }
        return lower.merging(upper) { _, upper in upper }
    }
}
