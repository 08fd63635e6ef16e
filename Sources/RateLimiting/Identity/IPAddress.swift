/// An IP address as 128 bits. IPv4 is what RFC 4291 §2.5.5.2 maps it to, so that both spellings of such an address are one value.
struct IPAddress: Sendable, Hashable {
    /// The first 64 bits.
    let high: UInt64
    /// The last 64 bits.
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(version4 bits: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(bits))
    }

    var isVersion4: Bool { high == 0 && low >> 32 == 0xffff }

    /// The address without its last bits.
    func masked(to prefixLength: Int) -> IPAddress {
        IPAddress(
            high: prefixLength >= 64 ? high : high & ~(UInt64.max >> UInt64(prefixLength)),
            low: prefixLength <= 64 ? 0 : low & ~(UInt64.max >> UInt64(prefixLength - 64))
        )
    }
}

extension IPAddress {
    /// The longest text of an address, `ffff:…:255.255.255.255`.
    private static let longestText = 45

    /// Parses dotted decimal without leading zeros, or the text of RFC 4291 §2.2; nothing else, and no zone.
    init?(_ text: some Collection<UInt8>) {
        guard text.count <= Self.longestText else { return nil }
        if text.contains(UInt8(ascii: ":")) {
            self.init(version6: Array(text))
        } else {
            guard let bits = Self.dottedDecimal(text) else { return nil }
            self.init(version4: bits)
        }
    }

    private static func dottedDecimal(_ text: some Collection<UInt8>) -> UInt32? {
        var bits: UInt32 = 0
        var octet: UInt32?
        var dots = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard let value = octet, dots < 3 else { return nil }
                bits = bits << 8 | value
                octet = nil
                dots += 1
            } else {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), octet != 0 else { return nil }
                let value = (octet ?? 0) * 10 + UInt32(byte - UInt8(ascii: "0"))
                guard value <= 255 else { return nil }
                octet = value
            }
        }
        guard let octet, dots == 3 else { return nil }
        return bits << 8 | octet
    }

    /// A number without leading zeros, at most `max`.
    static func decimal(_ text: some Collection<UInt8>, max: Int) -> Int? {
        guard (1...5).contains(text.count), text.count == 1 || text.first != UInt8(ascii: "0") else { return nil }
        var value = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value <= max ? value : nil
    }

    private init?(version6 text: [UInt8]) {
        let colon = UInt8(ascii: ":")
        var head: [UInt16] = []
        var tail: [UInt16]?
        if let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon }) {
            guard let before = Self.groups(text[..<gap], mayEndInVersion4: false),
                let after = Self.groups(text[(gap + 2)...], mayEndInVersion4: true),
                before.count + after.count < 8
            else { return nil }
            head = before
            tail = after
        } else {
            guard let all = Self.groups(text[...], mayEndInVersion4: true), all.count == 8 else { return nil }
            head = all
        }
        if let tail { head += Array(repeating: 0, count: 8 - head.count - tail.count) + tail }
        func word(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        self.init(high: word(head[..<4]), low: word(head[4...]))
    }

    /// Groups of hexadecimal digits, the last two perhaps written as an IPv4 address; none for no text.
    private static func groups(_ text: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), maxSplits: 8, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInVersion4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let bits = dottedDecimal(part) else { return nil }
                groups += [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
            } else {
                guard let group = hexadecimal(part) else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    private static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt16 = 0
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
