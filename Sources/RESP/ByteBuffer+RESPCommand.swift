package import NIOCore

extension ByteBuffer {
    /// Writes a command as an array of bulk strings, the form in which servers of every version take it.
    ///
    /// - Parameter words: the name and the arguments, at least one.
    package mutating func writeRESPCommand(_ words: [RESPArgument]) {
        reserveCapacity(minimumWritableBytes: Self.respCommandLength(words))
        writeHeader(UInt8(ascii: "*"), words.count)
        for word in words {
            writeHeader(UInt8(ascii: "$"), word.byteCount)
            switch word.storage {
            case .text(let text): writeString(text)
            case .bytes(let bytes): writeImmutableBuffer(bytes)
            case .integer(let integer): writeDecimal(integer)
            }
            writeInteger(0x0D0A as UInt16)
        }
    }

    /// How many bytes ``writeRESPCommand(_:)`` writes.
    package static func respCommandLength(_ words: [RESPArgument]) -> Int {
        words.reduce(headerLength(words.count)) { $0 + headerLength($1.byteCount) + $1.byteCount + 2 }
    }

    private static func headerLength(_ count: Int) -> Int {
        3 + DecimalInteger.byteCount(count)
    }

    private mutating func writeHeader(_ type: UInt8, _ count: Int) {
        writeInteger(type)
        writeDecimal(count)
        writeInteger(0x0D0A as UInt16)
    }

    private mutating func writeDecimal(_ integer: Int) {
        if case 0..<10 = integer {
            writeInteger(UInt8(ascii: "0") + UInt8(integer))
        } else {
            // Up to 15 digits need no allocation.
            writeString(String(integer))
        }
    }
}

/// The length of integers in decimal.
enum DecimalInteger {
    static func byteCount(_ integer: Int) -> Int {
        var magnitude = integer.magnitude
        var count = integer < 0 ? 2 : 1
        while magnitude >= 10 {
            magnitude /= 10
            count += 1
        }
        return count
    }
}
