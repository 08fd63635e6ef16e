/// Numbers of eight bytes as lower-case hexadecimal digits and back.
enum Hexadecimal {
    /// The sixteen digits of a word.
    static func text(_ word: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { digits in
            write(word, to: digits, at: 0)
            return 16
        }
    }

    /// The digits of two words, one after the other.
    static func text(_ first: UInt64, _ second: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { digits in
            write(first, to: digits, at: 0)
            write(second, to: digits, at: 16)
            return 32
        }
    }

    /// Writes the sixteen digits of `word`.
    static func write(_ word: UInt64, to digits: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        precondition(start >= 0 && start + 16 <= digits.count)
        for index in 0..<16 {
            digits[start + index] = digit(UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 0xF)
        }
    }

    /// The digit of a value below 16.
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The bytes of `word`, the highest first.
    static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
    }

    /// The value of at most sixteen digits; nil if one of them is none, capitals included.
    static func value(_ digits: some Sequence<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            let nibble: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            value = value << 4 | UInt64(nibble)
        }
        return value
    }
}
