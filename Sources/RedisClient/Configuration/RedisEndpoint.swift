/// Where a Redis server listens.
package struct RedisEndpoint: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The port of a server that names none.
    package static let defaultPort = 6379

    /// A host name or an address, IPv6 without brackets.
    package var host: String
    /// 1…65535.
    package var port: Int

    /// A server at this host and port.
    package init(host: String, port: Int = Self.defaultPort) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` as servers write it in redirections: the last colon counts, so IPv6 needs no brackets.
    ///
    /// - Parameter fallbackHost: the host where none is named, which means the one that answered.
    package init?(redirection text: some StringProtocol, fallbackHost: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65535).contains(port)
        else { return nil }
        let host = text[..<colon]
        self.init(host: host.isEmpty || host == "?" ? fallbackHost : String(host), port: port)
    }

    /// `host:port`, with brackets around IPv6 addresses.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// By host, then by port.
    package static func < (left: RedisEndpoint, right: RedisEndpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }

    /// Whether the host is an IP address rather than a name.
    var isAddress: Bool {
        if host.contains(":") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
