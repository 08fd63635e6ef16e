/// Sixteen bytes that name a trace, not all zero: W3C Trace Context, §3.2.2.3.
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    /// The first eight bytes, the first of them highest.
    package let high: UInt64
    /// The last eight bytes; their randomness decides on sampling.
    package let low: UInt64

    /// The id of these halves, or nil if both are zero.
    package init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.init(nonZeroHigh: high, low: low)
    }

    /// - Precondition: one of the halves is not zero.
    init(nonZeroHigh high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 lower-case hexadecimal digits, as in `traceparent`, logs and the consoles of collectors.
    package var description: String { Hexadecimal.text(high, low) }

    /// The bytes as protocols send them.
    var bytes: [UInt8] { Hexadecimal.bytes(high) + Hexadecimal.bytes(low) }
}
