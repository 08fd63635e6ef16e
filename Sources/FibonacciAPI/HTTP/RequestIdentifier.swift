import HTTPTypes
import Synchronization

/// The identifier that ties an answer, its log line and its problem together (`X-Request-ID`).
enum RequestIdentifier {
    /// The longest identifier that is taken over from a caller.
    static let maximumLength = 128

    /// The caller's identifier where it is sane, else a new one.
    static func identifier(for fields: HTTPFields) -> String {
        var lines = fields[values: .xRequestID][...]
        if let value = lines.popFirst(), lines.isEmpty, isSane(value) { return value }
        return make()
    }

    /// Whether `value` is 1 to 128 visible ASCII characters.
    static func isSane(_ value: String) -> Bool {
        (1...maximumLength).contains(value.utf8.count) && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static let seed = (high: UInt64.random(in: .min ... .max), low: UInt64.random(in: .min ... .max))
    private static let counter = Atomic<UInt64>(0)

    /// 32 hexadecimal digits that no other process and no other call gives: a counter, scattered by a random seed of this process.
    ///
    /// The system's generator would cost a system call. An identifier is no secret.
    static func make() -> String {
        let count = counter.wrappingAdd(1, ordering: .relaxed).newValue
        let (high, low) = (scatter(seed.high &+ count), scatter(seed.low ^ count))
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for position in 0..<16 {
                buffer[position] = hexDigit(high >> UInt64(60 - 4 * position))
                buffer[16 + position] = hexDigit(low >> UInt64(60 - 4 * position))
            }
            return 32
        }
    }

    /// The finalizer of SplitMix64, a bijection (Steele, Lea and Flood, 2014).
    private static func scatter(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func hexDigit(_ value: UInt64) -> UInt8 {
        let nibble = UInt8(truncatingIfNeeded: value & 15)
        return nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
