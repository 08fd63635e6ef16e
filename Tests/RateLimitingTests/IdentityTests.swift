import Foundation
import TestSupport
import Testing

@testable import RateLimiting

private func client(_ peer: String?, _ lines: [String] = [], trusting proxies: String = "") throws -> String {
    ClientIdentity(trusting: try TrustedProxies(proxies)).client(peer: peer, forwardedFor: lines).description
}

@Suite("Who a client is")
struct IdentityTests {
    @Test("the peer, IPv4 in either spelling, IPv6 by its first 64 bits")
    func peer() throws {
        #expect(try client("192.0.2.1") == "192.0.2.1")
        #expect(try client("::ffff:192.0.2.1") == "192.0.2.1")
        #expect(try client("::ffff:c000:201") == "192.0.2.1")
        #expect(try client("2001:db8:0:1:2:3:4:5") == "2001:db8:0:1::/64")
        #expect(try client("2001:db8::1") == "2001:db8::/64")
        #expect(try client("fe80::1%eth0") == "fe80::/64")
        #expect(try client("::1") == "::/64")
        #expect(try client(nil) == "unknown")
        #expect(try client("/run/socket") == "unknown")
    }

    @Test("keys are equal exactly where clients are")
    func keys() {
        #expect(MemoryLayout<ClientKey>.size == 16)
        #expect(ClientKey(address: "2001:db8::1") == ClientKey(address: "2001:db8::ffff:1:2"))
        #expect(ClientKey(address: "2001:db8::1") != ClientKey(address: "2001:db8:0:1::1"))
        #expect(ClientKey(address: "::1").family == .version6)
        #expect(ClientKey(address: "0.0.0.1").family == .version4)
        #expect(ClientKey(address: "").family == .unknown)
    }

    @Test("without trusted proxies, or from a peer that is none, the field is not even looked at")
    func untrusted() throws {
        func unread() -> [String] {
            Issue.record("the field was read")
            return []
        }
        #expect(
            ClientIdentity(trusting: .none).client(peer: "10.0.0.1", forwardedFor: unread()).description == "10.0.0.1"
        )
        let identity = ClientIdentity(trusting: try TrustedProxies("10.0.0.0/8"))
        #expect(identity.client(peer: "192.0.2.1", forwardedFor: unread()).description == "192.0.2.1")
    }

    @Test("the first from the right that is not trusted, over all lines in order")
    func walk() throws {
        let proxies = "10.0.0.0/8, 2001:db8:ffff::/48,192.0.2.7"
        #expect(try client("10.0.0.1", ["203.0.113.5"], trusting: proxies) == "203.0.113.5")
        #expect(try client("10.0.0.1", ["198.51.100.1, 203.0.113.5, 10.1.1.1"], trusting: proxies) == "203.0.113.5")
        #expect(
            try client("10.0.0.1", ["198.51.100.1,203.0.113.5", "10.1.1.1\t,192.0.2.7"], trusting: proxies)
                == "203.0.113.5"
        )
        #expect(try client("2001:db8:ffff::1", ["2001:db8:1::1, 10.2.3.4"], trusting: proxies) == "2001:db8:1::/64")
        #expect(try client("::ffff:10.0.0.1", ["::ffff:203.0.113.5"], trusting: proxies) == "203.0.113.5")
        #expect(try client("10.0.0.1", ["10.0.0.3, 10.0.0.2"], trusting: proxies) == "10.0.0.3")
        #expect(try client("10.0.0.1", [], trusting: proxies) == "10.0.0.1")
        #expect(try client("10.0.0.1", [""], trusting: proxies) == "10.0.0.1")
        #expect(try client("10.0.0.1", ["203.0.113.5,, ,"], trusting: proxies) == "203.0.113.5")
    }

    @Test("ports and brackets are stripped")
    func ports() throws {
        for (entry, expected) in [
            ("203.0.113.5:1234", "203.0.113.5"), ("[2001:db8::1]:443", "2001:db8::/64"),
            ("[2001:db8::1]", "2001:db8::/64"),
            ("2001:db8::1", "2001:db8::/64"), ("[::ffff:203.0.113.5]:1", "203.0.113.5"),
        ] {
            #expect(try client("10.0.0.1", [entry], trusting: "10.0.0.0/8") == expected)
        }
    }

    @Test(
        "an entry that is no address ends the walk at the proxy that wrote it",
        arguments: [
            "unknown", "_hidden", "203.0.113", "203.0.113.256", "203.0.113.05", "203.0.113.5.6", "203.0.113.5:",
            "203.0.113.5:99999",
            "203.0.113.5:+1", "[203.0.113.5]", "[2001:db8::1", "[2001:db8::1]443", "2001:db8:::1", "1:2:3:4:5:6:7",
            "\"203.0.113.5\"",
            "for=203.0.113.5", "fe80::1%eth0", "203.0.113.5 10.0.0.1", "☃", "12345::", "-1.2.3.4", "0x1.2.3.4",
        ]
    )
    func malformed(_ entry: String) throws {
        #expect(try client("10.0.0.1", ["198.51.100.1, \(entry), 10.0.0.2"], trusting: "10.0.0.0/8") == "10.0.0.2")
        #expect(try client("10.0.0.1", ["198.51.100.1, \(entry)"], trusting: "10.0.0.0/8") == "10.0.0.1")
    }

    @Test("whatever a client writes to the left, it stays who it is")
    func spoofing() throws {
        let pieces = [
            "10.0.0.1", "127.0.0.1", "unknown", ",", " ", "::1", "[", "%", "\u{0}", "1.2.3.4:5",
            String(repeating: "9", count: 300),
        ]
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let spoofed = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            let separator = Bool.random(using: &generator) ? "," : ""
            let lines = [spoofed.joined(separator: separator), "203.0.113.5, 10.0.0.2"]
            #expect(try client("10.0.0.1", lines, trusting: "10.0.0.0/8") == "203.0.113.5")
            let line = spoofed.joined(separator: separator) + ",203.0.113.5"
            #expect(try client("10.0.0.1", [line], trusting: "10.0.0.0/8") == "203.0.113.5")
        }
    }

    @Test("no more hops are followed than the limit")
    func hops() throws {
        let hops = (0..<100).reversed().map { "10.1.0.\($0)" }.joined(separator: ",")
        #expect(try client("10.0.0.1", [hops], trusting: "10.0.0.0/8") == "10.1.0.31")
        #expect(try client("10.0.0.1", [String(repeating: ",", count: 10_000)], trusting: "10.0.0.0/8") == "10.0.0.1")
    }

    @Test("networks contain what their prefix says, each family for itself")
    func networks() throws {
        for (networks, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("::/0", "::1", "203.0.113.1"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"), ("192.0.2.1/32", "192.0.2.1", "192.0.2.0"),
            ("2001:db8::/63", "2001:db8:0:1::", "2001:db8:0:2::"),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"), ("fe80::1", "fe80::1", "fe80::2"),
        ] {
            let proxies = try TrustedProxies(networks)
            let (inner, outer) = (try #require(IPAddress(inside.utf8)), try #require(IPAddress(outside.utf8)))
            #expect(proxies.contains(inner) && !proxies.contains(outer), "\(networks)")
        }
        #expect(try TrustedProxies(" \t").isEmpty)
    }

    @Test(
        "what is no network is refused with the reason",
        arguments: [
            ("10.0.0.1/8", "'10.0.0.1/8' has bits set behind its prefix; the network would be 10.0.0.0/8"),
            ("2001:db8::1/32", "'2001:db8::1/32' has bits set behind its prefix; the network would be 2001:db8::/32"),
            ("10.0.0.0/33", "the prefix length of '10.0.0.0/33' is a number up to 32"),
            ("::/129", "the prefix length of '::/129' is a number up to 128"),
            ("10.0.0.0/", "the prefix length of '10.0.0.0/' is a number up to 32"),
            ("10.0.0.0/8,", "'' is no network such as 10.0.0.0/8 or 2001:db8::/32"),
            ("localhost", "'localhost' is no network such as 10.0.0.0/8 or 2001:db8::/32"),
            ("a\nb\u{7F}", "'a\\nb\\u{7F}' is no network such as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0/8", "'10.0/8' is no network such as 10.0.0.0/8 or 2001:db8::/32"),
        ]
    )
    func badNetworks(_ text: String, _ problem: String) {
        #expect(#expect(throws: TrustedProxiesError.self) { try TrustedProxies(text) }?.problem == problem)
    }

    @Test("the list of networks is bounded")
    func tooManyNetworks() {
        let text = (0..<257).map { "10.0.\($0 % 256).\($0 / 256)" }.joined(separator: ",")
        #expect(throws: TrustedProxiesError.self) { try TrustedProxies(text) }
    }

    @Test("addresses are read and written as the C library does it")
    func library() {
        var generator = SeededGenerator(seed: 4)
        let alphabet = Array("0123456789abcdefF:::...".utf8)
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
            } else {
                let words = (0..<2).map { _ in
                    UInt64.random(in: 0...(.max), using: &generator) & UInt64.random(in: 0...(.max), using: &generator)
                }
                let mask: UInt64 = [0xffff_0000_ffff_0000, 0xffff, .max, 0][Int.random(in: 0..<4, using: &generator)]
                bytes = Array("\(IPAddress(high: words[0] & mask, low: words[1] & ~mask))".utf8)
                if Bool.random(using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                        alphabet.randomElement(using: &generator) ?? 0
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(IPAddress(bytes) == LibraryAddress.parse(text), "\(text)")
            if let address = IPAddress(bytes) {
                #expect(IPAddress("\(address)".utf8) == address)
                if !address.isVersion4, address.high != 0 { #expect("\(address)" == LibraryAddress.text(address)) }
            }
        }
    }
}

private enum LibraryAddress {
    static func parse(_ text: String) -> IPAddress? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return IPAddress(version4: UInt32(bigEndian: four.s_addr)) }
        var six = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return IPAddress(high: word(six[..<8]), low: word(six[8...]))
    }

    static func text(_ address: IPAddress) -> String {
        let bytes = [address.high, address.low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(AF_INET6, bytes, &text, 64) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
