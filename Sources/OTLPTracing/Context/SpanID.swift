/// Eight bytes that name a span within its trace, not all zero: W3C Trace Context, §3.2.2.4.
package struct SpanID: Sendable, Hashable, CustomStringConvertible {
    /// The bytes, the first of them highest.
    package let value: UInt64

    /// The id of these bytes, or nil if they are zero.
    package init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.init(nonZero: value)
    }

    /// - Precondition: the value is not zero.
    init(nonZero value: UInt64) {
        self.value = value
    }

    /// 16 lower-case hexadecimal digits.
    package var description: String { Hexadecimal.text(value) }

    /// The bytes as protocols send them.
    var bytes: [UInt8] { Hexadecimal.bytes(value) }
}
