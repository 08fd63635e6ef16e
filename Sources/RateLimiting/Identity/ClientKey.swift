/// Whose bucket it is: an IPv4 address, an IPv6 network of 64 bits, or nobody that could be told. Sixteen bytes.
package struct ClientKey: Sendable, Hashable, CustomStringConvertible {
    /// What kind of client it is.
    package enum Family: Sendable, Hashable {
        /// An IPv4 address, however it was written.
        case version4
        /// An IPv6 network of 64 bits, which is what one subscriber has.
        case version6
        /// A peer without an IP address.
        case unknown
    }

    /// All peers without an IP address share a bucket.
    package static let unknown = ClientKey(high: 0, low: 1)

    // No network of 64 bits has bits in the lower half, so these need no room for the family.
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(_ address: IPAddress) {
        self.init(high: address.high, low: address.isVersion4 ? address.low : 0)
    }

    /// The client at an address that is nobody's proxy.
    ///
    /// - Parameter address: the text of an IP address, with a zone or without; anything else is ``unknown``.
    package init(address: String) {
        self = IPAddress(address.utf8.prefix { $0 != UInt8(ascii: "%") }).map { ClientKey($0) } ?? .unknown
    }

    /// What kind of client it is.
    package var family: Family {
        switch low {
        case 0: .version6
        case 1: .unknown
        default: .version4
        }
    }

    /// The canonical text, for logs and keys: `192.0.2.1`, `2001:db8::/64` (RFC 5952) or `unknown`.
    package var description: String {
        switch family {
        case .version4: "\(IPAddress(high: high, low: low))"
        case .version6: "\(IPAddress(high: high, low: low))/64"
        case .unknown: "unknown"
        }
    }
}
