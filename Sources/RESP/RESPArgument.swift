package import NIOCore

/// One word of a command: its name or an argument.
package struct RESPArgument: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    enum Storage: Sendable, Hashable {
        case text(String)
        case bytes(ByteBuffer)
        case integer(Int)
    }

    var storage: Storage

    /// Text, sent as UTF-8.
    package init(_ text: String) { storage = .text(text) }

    /// Bytes as they are.
    package init(_ bytes: ByteBuffer) { storage = .bytes(bytes) }

    /// An integer in decimal.
    package init(_ integer: Int) { storage = .integer(integer) }

    /// Text, sent as UTF-8.
    package init(stringLiteral value: String) { self.init(value) }

    /// An integer in decimal.
    package init(integerLiteral value: Int) { self.init(value) }

    /// How many bytes the argument itself has.
    package var byteCount: Int {
        switch storage {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.readableBytes
        case .integer(let integer): DecimalInteger.byteCount(integer)
        }
    }

    /// Calls `body` with the bytes of the argument in order.
    package func withBytes<R>(_ body: (any Sequence<UInt8>) -> R) -> R {
        switch storage {
        case .text(let text): body(text.utf8)
        case .bytes(let bytes): body(bytes.readableBytesView)
        case .integer(let integer): body(String(integer).utf8)
        }
    }
}
