@testable import RateLimiting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An address as the system's own parser reads it, IPv4 mapped into IPv6.
struct SystemAddress: Equatable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    init?(_ text: String) {
        // For C, a string ends at the first zero.
        guard !text.utf8.contains(0) else { return nil }
        var version4 = in_addr()
        var version6 = in6_addr()
        if inet_pton(AF_INET, text, &version4) == 1 {
            self.init(high: 0, low: 0xffff_0000_0000 | UInt64(UInt32(bigEndian: version4.s_addr)))
        } else if inet_pton(AF_INET6, text, &version6) == 1 {
            let words = withUnsafeBytes(of: version6) { bytes in
                (0..<2).map { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
            }
            self.init(high: words[0], low: words[1])
        } else {
            return nil
        }
    }

    var isVersion4: Bool { high == 0 && low >> 32 == 0xffff }

    func bit(_ position: Int) -> UInt64 {
        (position < 64 ? high >> (63 - UInt64(position)) : low >> (127 - UInt64(position))) & 1
    }

    var key: ClientKey { ClientKey(high: high, low: isVersion4 ? low : 0) }
}
