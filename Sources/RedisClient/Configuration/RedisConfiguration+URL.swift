extension RedisConfiguration {
    /// Reads `redis://user:password@host:port/database`; `rediss://` means TLS.
    ///
    /// User, password, port and database may be left out. Reserved characters in user and password are percent-encoded. IPv6
    /// addresses stand in brackets. See <https://www.iana.org/assignments/uri-schemes/prov/redis> and RFC 3986 §3.2.
    ///
    /// - Throws: what is wrong, in words that never hold the password.
    package init(url: String) throws(RedisConfigurationError) {
        guard let separator = url.firstRange(of: "://") else {
            throw Self.invalid("expected redis://host:port or rediss://host:port")
        }
        let isSecure: Bool
        switch url[..<separator.lowerBound].lowercased() {
        case "redis": isSecure = false
        case "rediss": isSecure = true
        default: throw Self.invalid("the scheme is neither redis nor rediss")
        }
        let rest = url[separator.upperBound...]
        guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw Self.invalid("queries and fragments mean nothing here; write ? as %3F and # as %23 in a password")
        }
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, let location = parts.last else {
            throw Self.invalid("more than one @; write it as %40 in a user or a password")
        }
        self.init(endpoint: try Self.endpoint(location))
        if parts.count == 2 { (user, password) = try Self.userInformation(parts[0]) }
        database = try Self.database(rest[authority.endIndex...])
        if isSecure { tls = RedisTLS() }
    }

    private static func invalid(_ problem: String) -> RedisConfigurationError {
        RedisConfigurationError(.url, problem)
    }

    private static func endpoint(_ text: Substring) throws(RedisConfigurationError) -> RedisEndpoint {
        let host: Substring
        let afterHost: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw invalid("no ] behind an IPv6 address") }
            host = text[text.index(after: text.startIndex)..<end]
            afterHost = text[text.index(after: end)...]
            guard host.contains(":"), host.utf8.allSatisfy({ $0.isHexadecimalDigit || $0 == 0x3A || $0 == 0x2E }) else {
                throw invalid("what stands in brackets is no IPv6 address")
            }
        } else {
            host = text.prefix { $0 != ":" }
            afterHost = text[host.endIndex...]
            guard host.utf8.allSatisfy(\.isHostNameByte) else {
                throw invalid("the host has a character that no host name has; IPv6 addresses need brackets")
            }
        }
        guard !host.isEmpty else { throw invalid("no host") }
        return RedisEndpoint(host: String(host), port: try port(afterHost))
    }

    private static func port(_ text: Substring) throws(RedisConfigurationError) -> Int {
        guard let colon = text.first else { return RedisEndpoint.defaultPort }
        let digits = text.dropFirst()
        guard colon == ":", digits.utf8.allSatisfy(\.isDecimalDigit), let port = Int(digits),
            (1...65535).contains(port)
        else {
            throw invalid(
                "the port is not a number from 1 to 65535; a password with / : or @ in it needs percent-encoding"
            )
        }
        return port
    }

    private static func userInformation(
        _ text: Substring
    ) throws(RedisConfigurationError) -> (user: String?, password: RedisSecret?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = parts[0].percentDecoded, let password = parts.last?.percentDecoded else {
            throw invalid("a % in the user or the password is not followed by two hexadecimal digits; write it as %25")
        }
        return (
            user.isEmpty ? nil : user,
            parts.count == 2 && !password.isEmpty ? RedisSecret(password) : nil
        )
    }

    private static func database(_ path: Substring) throws(RedisConfigurationError) -> Int {
        let digits = path.dropFirst()
        if digits.isEmpty { return 0 }
        guard digits.utf8.allSatisfy(\.isDecimalDigit), let database = Int(digits), database <= Int32.max else {
            throw invalid("the path is not the number of a database, such as /0")
        }
        return database
    }
}

extension UInt8 {
    fileprivate var isDecimalDigit: Bool { (0x30...0x39).contains(self) }

    fileprivate var isHexadecimalDigit: Bool {
        isDecimalDigit || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }

    fileprivate var isHostNameByte: Bool {
        isDecimalDigit || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
            || self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }
}

extension Substring {
    /// The text with `%XX` replaced by the byte; nil if a `%` stands alone or the bytes are no UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(), high.isHexadecimalDigit,
                low.isHexadecimalDigit,
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
