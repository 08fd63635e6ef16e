package import NIOCore

/// A value of the Redis serialization protocol, version 3; what version 2 can say is a part of it.
///
/// Attributes are not among the cases: they may precede any value, nobody here asks for them, and the decoder drops them.
/// See <https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md>.
package enum RESPValue: Sendable, Hashable {
    /// No value: `_`, and the null bulk string and null array of version 2.
    case null
    /// A short status, such as `OK`.
    case simpleString(String)
    /// A refusal, simple (`-`) or bulk (`!`).
    case error(RESPError)
    /// A 64-bit integer.
    case integer(Int64)
    /// A floating point number, infinities and NaN included.
    case double(Double)
    /// True or false.
    case boolean(Bool)
    /// An integer of any size, as its digits.
    case bigNumber(String)
    /// Any bytes.
    ///
    /// The buffer is a slice of what was read from the socket: whoever keeps it for long copies it.
    case bulkString(ByteBuffer)
    /// Text with a format of three characters, such as `txt`.
    case verbatimString(format: String, ByteBuffer)
    /// Values in order.
    case array([RESPValue])
    /// Keys and their values in the order of the wire.
    case map(RESPMap)
    /// Values in no order.
    case set([RESPValue])
    /// A message that answers no command.
    case push([RESPValue])
}

/// The entries of a map in the order of the wire; keys may be of any kind.
package struct RESPMap: Sendable, Hashable {
    /// A key and its value.
    package struct Entry: Sendable, Hashable {
        /// The key.
        package var key: RESPValue
        /// Its value.
        package var value: RESPValue

        /// An entry of this key and this value.
        package init(key: RESPValue, value: RESPValue) {
            self.key = key
            self.value = value
        }
    }

    /// The entries.
    package var entries: [Entry]

    /// A map of these entries.
    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// A map of keys and values in turn, as version 2 writes maps; a last key without a value is left out.
    package init(alternating values: [RESPValue]) {
        entries = stride(from: 0, to: values.count - values.count % 2, by: 2).map {
            Entry(key: values[$0], value: values[$0 + 1])
        }
    }

    /// The value of the first entry whose key is this text; linear in the number of entries.
    package subscript(_ key: String) -> RESPValue? {
        entries.first { $0.key.text == key }?.value
    }
}
