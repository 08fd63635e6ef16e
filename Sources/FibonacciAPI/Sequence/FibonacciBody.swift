import DecimalArithmetic
import NIOCore

/// The finished answer for one index. One buffer serves every representation: the text form is a slice of the JSON form.
package struct FibonacciBody: Sendable {
    private let json: ByteBuffer
    private let digitsOffset: Int
    private let digitCount: Int

    /// Renders `value`, the Fibonacci number at `index`; O(digits).
    init(index: Int, value: DecimalNatural, using kernel: TransformKernel = .fastest) {
        self.init(index: index, digitCount: value.digitCount) { value.writeDigits(into: $0, using: kernel) }
    }

    /// Takes `digits`, those of the Fibonacci number at `index`, which the caller has verified; one copy.
    init(index: Int, digits: ByteBuffer) {
        self.init(index: index, digitCount: digits.readableBytes) { space in
            digits.withUnsafeReadableBytes { space.copyMemory(from: $0) }
            return digits.readableBytes
        }
    }

    private init(index: Int, digitCount: Int, write: (UnsafeMutableRawBufferPointer) -> Int) {
        let prefix = Self.jsonPrefix(for: index)
        let suffix = Self.jsonSuffix(for: index)
        digitsOffset = prefix.utf8.count
        self.digitCount = digitCount
        var buffer = ByteBufferAllocator().buffer(capacity: digitsOffset + digitCount + suffix.utf8.count)
        buffer.writeString(prefix)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: digitCount, write)
        buffer.writeString(suffix)
        json = buffer
    }

    /// The body in `representation`, without a copy.
    func bytes(in representation: Representation) -> ByteBuffer {
        switch representation {
        case .json: json
        case .text: digits
        }
    }

    /// The digits alone, without a copy.
    var digits: ByteBuffer {
        json.getSlice(at: json.readerIndex + digitsOffset, length: digitCount) ?? ByteBuffer()
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
