/// A request target taken apart (RFC 9112 §3.2).
struct RequestTarget: Equatable, Sendable {
    /// The absolute path, percent-decoded where it has escapes; `*` for the asterisk-form.
    var path: String
    /// What stands after the first `?`, as sent.
    var query: Substring

    /// Reads an origin-form (`/path?query`), an absolute-form (`http://host/path?query`) or `*`.
    ///
    /// - Returns: nil if it is none of these, or holds a fragment.
    init?(_ target: String) {
        guard !target.utf8.contains(UInt8(ascii: "#")) else { return nil }
        let relative: Substring
        if target.utf8.first == UInt8(ascii: "/") {
            relative = target[...]
        } else if target == "*" {
            (path, query) = ("*", "")
            return
        } else if let afterAuthority = Self.pathOfAbsoluteForm(target) {
            relative = afterAuthority
        } else {
            return nil
        }
        let queryMark = relative.utf8.firstIndex(of: UInt8(ascii: "?"))
        query = queryMark.map { relative[relative.utf8.index(after: $0)...] } ?? ""
        let encoded = relative[..<(queryMark ?? relative.endIndex)]
        // An encoded slash is no separator (RFC 3986 §2.2), and no path here has one: it stays as it is and matches nothing.
        if encoded.utf8.contains(UInt8(ascii: "%")), !encoded.lowercased().utf8.containsSlashEscape {
            path = String(decoding: PercentDecoding.decode(encoded.utf8), as: UTF8.self)
        } else {
            path = encoded.isEmpty ? "/" : String(encoded)
        }
    }

    private static func pathOfAbsoluteForm(_ target: String) -> Substring? {
        guard let schemeEnd = target.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = target[..<schemeEnd].lowercased()
        let rest = target[schemeEnd...]
        guard scheme == "http" || scheme == "https", rest.utf8.starts(with: "://".utf8) else { return nil }
        let authority = rest.dropFirst(3)
        let end = authority.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
        guard end != authority.startIndex, let first = authority.utf8.first, first != UInt8(ascii: ":") else {
            return nil
        }
        return authority[(end ?? authority.endIndex)...]
    }
}

extension String.UTF8View {
    fileprivate var containsSlashEscape: Bool {
        indices.contains { self[$0...].starts(with: "%2f".utf8) }
    }
}
