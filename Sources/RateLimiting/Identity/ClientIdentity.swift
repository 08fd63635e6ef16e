/// Who the client is: the peer, or, behind trusted proxies, whoever the outermost of them saw.
///
/// Each proxy appends to `X-Forwarded-For` the address that it was connected from. Read from the right, every entry is vouched for by the one
/// who was just found to be trusted; the first that is not trusted is the client, and what stands to its left anybody may have written.
package struct ClientIdentity: Sendable, Hashable {
    /// The most entries that are looked at.
    package static let maximumHops = 32

    private let proxies: TrustedProxies

    /// Identities behind these proxies.
    package init(trusting proxies: TrustedProxies) {
        self.proxies = proxies
    }

    /// Whether a peer is trusted to say whom it forwards.
    ///
    /// - Parameter peer: the text of its address.
    package func isForwarder(_ peer: String) -> Bool {
        guard !proxies.isEmpty else { return false }
        return Self.address(ofPeer: peer).map(proxies.contains) ?? false
    }

    /// The client of a request.
    ///
    /// Empty list elements are passed over (RFC 9110 §5.6.1). An entry that is no address, with a port or without, ends the walk at the
    /// proxy that wrote it; so do the last entry and the limit of hops.
    ///
    /// - Parameters:
    ///   - peer: the text of the address at the other end of the connection; nil where there is none.
    ///   - lines: the values of all `X-Forwarded-For` field lines in their order; asked for only if the peer is trusted.
    package func client(peer: String?, forwardedFor lines: @autoclosure () -> [String]) -> ClientKey {
        guard var current = peer.flatMap(Self.address(ofPeer:)) else { return .unknown }
        guard !proxies.isEmpty, proxies.contains(current) else { return ClientKey(current) }
        var hops = 0
        for line in lines().reversed() {
            var rest = line[...].utf8
            while true {
                let comma = rest.lastIndex(of: UInt8(ascii: ","))
                let entry = rest[(comma.map { rest.index(after: $0) } ?? rest.startIndex)...].trimmingBlanks()
                hops += 1
                guard hops <= Self.maximumHops else { return ClientKey(current) }
                if !entry.isEmpty {
                    guard let address = Self.address(of: entry) else { return ClientKey(current) }
                    current = address
                    guard proxies.contains(address) else { return ClientKey(address) }
                }
                guard let comma else { break }
                rest = rest[..<comma]
            }
        }
        return ClientKey(current)
    }

    /// An address without its zone.
    private static func address(ofPeer peer: String) -> IPAddress? {
        IPAddress(peer.utf8.prefix { $0 != UInt8(ascii: "%") })
    }

    /// An address, alone or as `1.2.3.4:567`, `[2001:db8::1]` or `[2001:db8::1]:567`.
    private static func address(of entry: Substring.UTF8View) -> IPAddress? {
        let colon = UInt8(ascii: ":")
        if entry.first == UInt8(ascii: "[") {
            guard let close = entry.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let inner = entry[..<close].dropFirst()
            let port = entry[close...].dropFirst()
            guard inner.contains(colon), port.isEmpty || port.first == colon && isPort(port.dropFirst()) else {
                return nil
            }
            return IPAddress(inner)
        }
        guard let first = entry.firstIndex(of: colon), entry[first...].dropFirst().firstIndex(of: colon) == nil else {
            return IPAddress(entry)
        }
        return isPort(entry[first...].dropFirst()) ? IPAddress(entry[..<first]) : nil
    }

    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        IPAddress.decimal(text, max: 65535) != nil
    }
}
