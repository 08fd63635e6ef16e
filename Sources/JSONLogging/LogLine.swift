public import Logging

/// One log line under construction: typed fields, appended in order to bytes that are used again.
///
/// The direct way for lines that are written for every request: no metadata dictionary, no `Logger`, no lookup.
/// It renders and escapes exactly as ``LineLogHandler`` does.
///
/// ```swift
/// var line = LogLine(format: .json)
/// line.begin(level: .info, message: "request", logger: "access")
/// line.append("status", 200)
/// line.append("duration_ms", 1.25)
/// line.write(to: writer)
/// ```
///
/// Every line is valid UTF-8 without a line break inside, whatever went into it. Strings of more than 16 KiB are cut
/// and end in `…`. Keys are the caller's to keep distinct; one that a line itself uses (`timestamp`, `level`,
/// `message`, `logger`, `source`, `file`, `function`, `line`) gets the prefix `metadata.`.
public struct LogLine: ~Copyable {
    /// How the line is written down.
    public let format: LineFormat

    var buffer: ByteBuffer
    private var isOpen = false
    private var isFirstField = true

    /// An empty line.
    ///
    /// - Parameters:
    ///   - format: How the line is written down.
    ///   - capacity: Bytes to set aside; more are taken when a line needs them, and kept.
    public init(format: LineFormat, capacity: Int = 512) {
        self.format = format
        buffer = ByteBuffer(capacity: capacity)
    }

    /// Starts a line; one that was started and not written is thrown away.
    ///
    /// - Parameters:
    ///   - level: The severity.
    ///   - message: What happened.
    ///   - logger: Who says so; text shows it only at `trace` and `debug`.
    ///   - timestamp: When it happened.
    public mutating func begin(
        level: Logger.Level,
        message: String,
        logger: String,
        at timestamp: LogTimestamp = .now()
    ) {
        buffer.removeAll()
        isOpen = true
        isFirstField = true
        switch format {
        case .json:
            buffer.append("{\"timestamp\":\"")
            buffer.appendRFC3339(timestamp)
            buffer.append("\",\"level\":\"")
            buffer.append(level.name)
            buffer.append("\",\"message\":")
            buffer.appendQuoted(message)
            buffer.append(",\"logger\":")
            buffer.appendQuoted(logger)
        case .text:
            buffer.appendTimeOfDay(timestamp)
            buffer.append(UInt8(ascii: " "))
            buffer.append(level.paddedName)
            buffer.append(UInt8(ascii: " "))
            var message = message
            message.withUTF8 { buffer.appendEscaped(UnsafeRawBufferPointer($0), in: .bare) }
            if level <= .debug {
                field("logger", string: logger)
            }
        }
    }

    /// Appends a string, or nothing when there is none.
    public mutating func append(_ key: StaticString, _ value: String?) {
        guard let value else { return }
        appendKey(key)
        appendString(value)
    }

    /// Appends bytes that should be UTF-8; where they are not, U+FFFD takes their place.
    public mutating func append(_ key: StaticString, bytes: RawSpan) {
        appendKey(key)
        bytes.withUnsafeBytes { appendString($0) }
    }

    /// Appends an integer as a number.
    public mutating func append(_ key: StaticString, _ value: Int) {
        appendKey(key)
        buffer.appendDecimal(value)
    }

    /// Appends an integer as a number.
    public mutating func append(_ key: StaticString, _ value: UInt64) {
        appendKey(key)
        buffer.appendDecimal(value)
    }

    /// Appends a number rounded to three decimals; a value that is not finite as the string `inf`, `-inf` or `nan`.
    public mutating func append(_ key: StaticString, _ value: Double) {
        appendKey(key)
        guard value.isFinite else { return appendString(value.description) }
        buffer.appendThreeDecimals(value)
    }

    /// Appends `true` or `false`.
    public mutating func append(_ key: StaticString, _ value: Bool) {
        appendKey(key)
        buffer.append(value ? "true" : "false")
    }

    /// Ends the line, hands it to `writer` and leaves this one empty, ready for ``begin(level:message:logger:at:)``.
    ///
    /// - Returns: Whether the writer took it; when it did not, it counts it as dropped.
    @discardableResult
    public mutating func write(to writer: BufferedLineWriter) -> Bool {
        guard isOpen else { return false }
        close()
        let isAccepted = buffer.withBytes { writer.append($0) }
        buffer.removeAll()
        return isAccepted
    }

    /// Ends the line, gives its bytes without a line break and leaves this one empty.
    public mutating func finish() -> [UInt8] {
        guard isOpen else { return [] }
        close()
        let bytes = buffer.withBytes { Array($0) }
        buffer.removeAll()
        return bytes
    }

    private mutating func close() {
        if format == .json {
            buffer.append(UInt8(ascii: "}"))
        }
        isOpen = false
    }
}

extension LogLine {
    /// Appends what stands between two fields.
    @inline(__always)
    mutating func separateField() {
        switch format {
        case .json:
            buffer.append(UInt8(ascii: ","))
        case .text:
            buffer.append(isFirstField ? "  " : " ")
            isFirstField = false
        }
    }

    /// Appends a field that is the line's own: its key is not checked.
    mutating func field(_ key: StaticString, string value: String) {
        separateField()
        key.withUTF8Buffer { appendName(UnsafeRawBufferPointer($0)) }
        appendString(value)
    }

    private mutating func appendKey(_ key: StaticString) {
        separateField()
        key.withUTF8Buffer { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            if ReservedKeys.contain(bytes) {
                appendPrefixedName(bytes)
            } else {
                appendName(bytes)
            }
        }
    }
}
