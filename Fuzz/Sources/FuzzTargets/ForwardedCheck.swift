@testable import RateLimiting

/// Who the client is: next to a second reading, with the system's parser of addresses, and whatever else was forged.
enum ForwardedCheck {
    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        let parts = Input.parts(input, at: 0x0A)
        let lines = Array(parts.dropFirst(2))
        for text in parts { try checkAddress(text) }
        for entry in lines.flatMap({ $0.split(separator: ",") }) { try checkAddress(String(entry)) }
        let proxies: TrustedProxies
        do throws(TrustedProxiesError) {
            proxies = try TrustedProxies(parts[0])
        } catch {
            let text = error.description
            try require(Input.isVisible(text), "an error is visible: \(text.debugDescription)")
            return
        }
        let peer = parts.count > 1 ? parts[1] : nil
        let identity = ClientIdentity(trusting: proxies)
        let client = identity.client(peer: peer, forwardedFor: lines)
        let walk = walk(from: peer, lines, trusting: proxies)
        try require(client == walk.client, "the client is \(walk.client), not \(client)")
        guard walk.hasEnded else { return }
        for forged in ["6.6.6.6", "6.6.6.6, 10.0.0.1", "\"", "unknown, [", ",,,"] {
            let inFront = identity.client(peer: peer, forwardedFor: [forged] + lines)
            try require(inFront == client, "a line in front changes nothing: \(inFront), not \(client)")
            if let first = lines.first {
                let joined = identity.client(peer: peer, forwardedFor: ["\(forged),\(first)"] + lines.dropFirst())
                try require(joined == client, "entries in front change nothing: \(joined), not \(client)")
            }
        }
    }

    private static func checkAddress(_ text: String) throws(Violation) {
        let expected = SystemAddress(text)
        let address = IPAddress(text.utf8)
        try require(
            address?.high == expected?.high && address?.low == expected?.low,
            "\(text.debugDescription) is \(expected.map { "\($0)" } ?? "no address")"
        )
        guard let address else { return }
        try require(IPAddress("\(address)".utf8) == address, "\(address) is read as the same address")
    }

    /// Who the client is, and whether that was found before the entries ran out.
    private static func walk(
        from peer: String?,
        _ lines: [String],
        trusting proxies: TrustedProxies
    ) -> (client: ClientKey, hasEnded: Bool) {
        guard let peer, var current = SystemAddress(String(peer.prefix { $0 != "%" })) else { return (.unknown, true) }
        let entries = lines.joined(separator: ",").split(separator: ",", omittingEmptySubsequences: false)
        var rest = lines.isEmpty ? [] : entries
        var hops = 0
        while isTrusted(current, by: proxies) {
            guard let entry = rest.popLast() else { return (current.key, false) }
            hops += 1
            guard hops <= ClientIdentity.maximumHops else { break }
            let text = entry.filter { $0 != " " && $0 != "\t" }
            if text.isEmpty { continue }
            guard let address = address(ofEntry: entry) else { break }
            current = address
        }
        return (current.key, true)
    }

    private static func isTrusted(_ address: SystemAddress, by proxies: TrustedProxies) -> Bool {
        proxies.networks.contains { network in
            let own = SystemAddress(high: network.address.high, low: network.address.low)
            return own.isVersion4 == address.isVersion4
                && (0..<network.prefixLength).allSatisfy { own.bit($0) == address.bit($0) }
        }
    }

    private static func address(ofEntry entry: Substring) -> SystemAddress? {
        var text = String(entry)
        while text.hasPrefix(" ") || text.hasPrefix("\t") { text.removeFirst() }
        while text.hasSuffix(" ") || text.hasSuffix("\t") { text.removeLast() }
        if let address = SystemAddress(text) { return address }
        var port: Substring?
        if text.hasSuffix("]") {
            port = nil
        } else if let colon = text.lastIndex(of: ":") {
            port = text[text.index(after: colon)...]
            text = String(text[..<colon])
        } else {
            return nil
        }
        if let port {
            guard let number = UInt16(port), String(number) == port else { return nil }
        }
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = String(text.dropFirst().dropLast())
            return inner.contains(":") ? SystemAddress(inner) : nil
        }
        return text.contains(":") ? nil : SystemAddress(text)
    }
}
