package import RESP

/// Which of a cluster's 16384 slots a key is in: CRC-16/XMODEM of the key or of its hash tag.
///
/// See <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model>.
package enum HashSlot {
    /// How many slots there are.
    package static let count = 16384

    /// The slot of a key; linear in its length.
    package static func slot(of key: some Sequence<UInt8>) -> Int {
        let bytes = Array(key)
        return Int(crc16(hashedPart(of: bytes)) % UInt16(count))
    }

    /// The slot of a key.
    package static func slot(of key: RESPArgument) -> Int {
        key.withBytes { slot(of: Array($0)) }
    }

    /// What stands between the first `{` and the next `}`, if that is not empty; else the whole key.
    private static func hashedPart(of key: [UInt8]) -> ArraySlice<UInt8> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return key[...] }
        let content = key[(open + 1)...].prefix { $0 != UInt8(ascii: "}") }
        return content.isEmpty || content.endIndex == key.endIndex ? key[...] : content
    }

    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in
            crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021
        }
    }

    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { crc, byte in crc << 8 ^ table[Int(UInt8(crc >> 8) ^ byte)] }
    }
}
