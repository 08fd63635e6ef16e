/// Ways to take an input apart.
enum Input {
    /// The parts between separators as text, bytes that are no UTF-8 repaired.
    static func parts(_ input: UnsafeBufferPointer<UInt8>, at separator: UInt8) -> [String] {
        input.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    static func isVisible(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

/// SplitMix64, seeded by an input: the same input is always cut in the same way, and the corpus needs no bytes that say how.
struct InputGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    init(seededBy input: UnsafeBufferPointer<UInt8>) {
        for byte in input { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
