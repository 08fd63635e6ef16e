internal import CZlib

/// RFC 1952, by the system's zlib.
enum Gzip {
    /// `bytes`, compressed; nil if zlib has no memory.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        let capacity = czlib_gzip_bound(bytes.count)
        let compressed = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            // Reads no more than `bytes.count` bytes and writes no more than the buffer has room for.
            count = bytes.withUnsafeBufferPointer {
                czlib_gzip($0.baseAddress, $0.count, buffer.baseAddress, buffer.count)
            }
        }
        return compressed.isEmpty ? nil : compressed
    }
}
