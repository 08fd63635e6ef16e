/// Where spans are sent to: an `http` or `https` URL.
package struct OTLPEndpoint: Sendable, Hashable, CustomStringConvertible {
    static let expectation = "an http:// or https:// URL without user information or fragment"

    /// The whole URL.
    let url: String
    /// The URL without its query, which may hold a key.
    package let description: String

    /// Reads a URL; nil if it is none that can be sent to.
    ///
    /// - Parameter path: is added to a URL that names a base, which then cannot have a query.
    init?(_ text: String, adding path: String? = nil) {
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"\"<>\\^`{|}#".utf8.contains($0) }
        let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
        guard isPlain, text.utf8.count <= 2048, let scheme, Self.isAuthority(Self.authority(of: text, after: scheme))
        else { return nil }
        let text = scheme + text.dropFirst(scheme.count)
        var base = text[...]
        let query = text.firstIndex(of: "?")
        if let path {
            guard query == nil else { return nil }
            while base.hasSuffix("/") { base.removeLast() }
            url = base + path
            description = url
        } else {
            url = text
            description = String(text[..<(query ?? text.endIndex)])
        }
    }

    private static func authority(of text: String, after scheme: String) -> Substring {
        text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
    }

    private static func isAuthority(_ authority: Substring) -> Bool {
        guard !authority.contains("@") else { return false }
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return false }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return false }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.utf8.allSatisfy({ "0123456789abcdefABCDEF:.".utf8.contains($0) }) else { return false }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        if let port {
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
                (1...65535).contains(number)
            else { return false }
        }
        return !host.isEmpty && !host.contains("%")
    }
}
