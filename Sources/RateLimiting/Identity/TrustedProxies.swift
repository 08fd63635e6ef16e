/// The networks whose word is taken for whom they forward.
package struct TrustedProxies: Sendable, Hashable {
    /// The most networks.
    package static let maximumCount = 256

    struct Network: Sendable, Hashable {
        var address: IPAddress
        /// Of 128 bits.
        var prefixLength: Int

        func contains(_ other: IPAddress) -> Bool {
            // `::/0` is all of IPv6 and nothing of IPv4, although IPv4 addresses are mapped into it.
            address.isVersion4 == other.isVersion4 && other.masked(to: prefixLength) == address
        }
    }

    let networks: [Network]

    /// Nobody is trusted.
    package static let none = TrustedProxies(networks: [])

    private init(networks: [Network]) {
        self.networks = networks
    }

    /// Parses networks such as `10.0.0.0/8, 2001:db8::/32, 192.0.2.7`, between commas and with spaces around them; an address alone
    /// is a network of its own. Blank text trusts nobody.
    ///
    /// - Throws: what is wrong with the first network that is wrong. Bits behind the prefix are, too: they hint at another mistake.
    package init(_ text: String) throws(TrustedProxiesError) {
        guard text.contains(where: { $0 != " " && $0 != "\t" }) else {
            self = .none
            return
        }
        var networks: [Network] = []
        for entry in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard networks.count < Self.maximumCount else {
                throw TrustedProxiesError(problem: "more than \(Self.maximumCount) networks")
            }
            networks.append(try Self.network(entry.trimmingBlanks()))
        }
        self.init(networks: networks)
    }

    /// Whether nobody is trusted.
    package var isEmpty: Bool { networks.isEmpty }

    func contains(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    private static func network(_ text: Substring.UTF8View) throws(TrustedProxiesError) -> Network {
        let shown = shown(text)
        let parts = text.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }) else {
            throw TrustedProxiesError(problem: "\(shown) is no network such as 10.0.0.0/8 or 2001:db8::/32")
        }
        let isDotted = !text.contains(UInt8(ascii: ":"))
        var prefixLength = 128
        if parts.count == 2 {
            let longest = isDotted ? 32 : 128
            guard let length = IPAddress.decimal(parts[1], max: longest) else {
                throw TrustedProxiesError(problem: "the prefix length of \(shown) is a number up to \(longest)")
            }
            prefixLength = isDotted ? 96 + length : length
        }
        let masked = address.masked(to: prefixLength)
        guard masked == address else {
            // Whoever gives an IPv4 address in the form of IPv6 a short prefix means that of IPv4.
            let meantLength = address.isVersion4 && prefixLength <= 32 ? 96 + prefixLength : prefixLength
            let better = "\(address.masked(to: meantLength))/\(meantLength - (address.isVersion4 ? 96 : 0))"
            throw TrustedProxiesError(
                problem: "\(shown) has bits set behind its prefix; the network would be \(better)"
            )
        }
        return Network(address: address, prefixLength: prefixLength)
    }

    /// The text in quotes, short and in visible ASCII.
    private static func shown(_ text: Substring.UTF8View) -> String {
        let characters = Substring(text).unicodeScalars.prefix(64).map {
            (0x20..<0x7F).contains($0.value) ? String($0) : $0.escaped(asASCII: true)
        }
        return "'\(characters.joined())'"
    }
}

/// Text that lists no networks.
package struct TrustedProxiesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and what was expected.
    package let problem: String

    /// What is wrong and what was expected.
    package var description: String { problem }
}

extension Substring.UTF8View {
    /// Without spaces and tabs at both ends.
    func trimmingBlanks() -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        return rest
    }
}
