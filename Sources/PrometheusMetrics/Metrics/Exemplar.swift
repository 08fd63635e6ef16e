/// The trace that an observation belongs to, for the way from a histogram's bucket to an example.
///
/// Shown in OpenMetrics only, as `trace_id` and `span_id`: 63 characters, of the 128 that the specification allows.
package struct Exemplar: Sendable, Hashable {
    /// The trace's number, shown as 32 hexadecimal digits.
    package let traceID: UInt128
    /// The span's number, shown as 16 hexadecimal digits.
    package let spanID: UInt64
    /// When it was, in seconds since 1970; without it Prometheus takes the time of the scrape.
    package let time: Double?

    /// An exemplar of two numbers.
    package init(traceID: UInt128, spanID: UInt64, time: Double? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.time = time
    }

    /// An exemplar of identifiers as W3C Trace Context writes them: 32 and 16 hexadecimal digits. Nil for anything else.
    package init?(traceID: String, spanID: String, time: Double? = nil) {
        guard traceID.utf8.count == 32, spanID.utf8.count == 16,
            // The standard library would also take a sign.
            traceID.utf8.first != UInt8(ascii: "+"), spanID.utf8.first != UInt8(ascii: "+"),
            let trace = UInt128(traceID, radix: 16), let span = UInt64(spanID, radix: 16)
        else { return nil }
        self.init(traceID: trace, spanID: span, time: time)
    }
}

/// The newest exemplar of each bucket, with the value that was observed.
struct KeptExemplars: Sendable {
    typealias Entry = (exemplar: Exemplar, value: Double)

    /// Empty until the first comes: most histograms never have one.
    private var entries: [Entry?] = []

    mutating func keep(_ exemplar: Exemplar, value: Double, position: Int, count: Int) {
        if entries.isEmpty { entries = Array(repeating: nil, count: count) }
        entries[position] = (exemplar, value)
    }

    subscript(position: Int) -> Entry? { position < entries.count ? entries[position] : nil }
}
