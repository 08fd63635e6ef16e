import DecimalArithmetic
import NIOCore

/// The finished answer for one index. One buffer serves every representation: the text form is a slice of the JSON form.
package struct FibonacciBody: Sendable {
    private let json: ByteBuffer
    private let digitsOffset: Int
    private let digitCount: Int

    /// Renders `value`, the Fibonacci number at `index`; O(digits).
    init(index: Int, value: DecimalNatural) {
        let prefix = Self.jsonPrefix(for: index)
        let suffix = Self.jsonSuffix(for: index)
        digitsOffset = prefix.utf8.count
        digitCount = value.digitCount
        var buffer = ByteBufferAllocator().buffer(capacity: digitsOffset + digitCount + suffix.utf8.count)
        buffer.writeString(prefix)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: digitCount) { space in
            value.writeDigits(into: space)
        }
        buffer.writeString(suffix)
        json = buffer
    }

    /// The body in `representation`, without a copy.
    func bytes(in representation: Representation) -> ByteBuffer {
        switch representation {
        case .json: json
        case .text: json.getSlice(at: json.readerIndex + digitsOffset, length: digitCount) ?? ByteBuffer()
        }
    }

    /// The memory that the body takes, in bytes.
    var memorySize: Int { json.storageCapacity }

    static func jsonPrefix(for index: Int) -> String {
        "{\"n\":\(index),\"fibonacci\":" + (index <= Representation.largestNumberIndex ? "" : "\"")
    }

    static func jsonSuffix(for index: Int) -> String {
        index <= Representation.largestNumberIndex ? "}" : "\"}"
    }
}
