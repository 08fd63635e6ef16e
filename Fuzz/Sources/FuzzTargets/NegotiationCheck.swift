@testable import FibonacciAPI

/// Negotiation over `Accept`, next to a second reading of simple lists.
enum NegotiationCheck {
    static func check(_ lines: [String]) throws(Violation) {
        let offers = Representation.offers
        func selected(_ lines: [String]) -> Int? { ContentNegotiation.select(from: offers, accept: lines) }
        let choice = selected(lines)
        try require(choice.map(offers.indices.contains) ?? true, "what is chosen is on offer")
        try require(selected(lines.reversed()) == choice, "the order of lines does not count")
        if lines.allSatisfy(closesItsQuotes) {
            try require(selected([lines.joined(separator: ",")]) == choice, "members in one line are those of many")
        }
        if choice == nil {
            try require(selected(lines + ["x-no/x-such"]) == nil, "what nobody offers admits nothing")
        }
        if let simple = simpleRanges(lines) {
            let best = simple.isEmpty ? 0 : best(of: simple, among: offers)
            try require(choice == best, "\(simple) choose \(best.map(String.init) ?? "nothing")")
        }
    }

    private static func closesItsQuotes(_ line: String) -> Bool {
        var isQuoted = false
        var bytes = line.utf8.makeIterator()
        while let byte = bytes.next() {
            if byte == 0x22 { isQuoted.toggle() }
            // Only there it escapes what follows.
            if byte == 0x5C, isQuoted, bytes.next() == nil { return false }
        }
        return !isQuoted
    }

    private struct SimpleRange {
        var type: Substring
        var subtype: Substring
        var quality: Double
    }

    /// The ranges of lines of the form `a/b;q=0.5,a/*`; nil if a line has anything else.
    private static func simpleRanges(_ lines: [String]) -> [SimpleRange]? {
        var ranges: [SimpleRange] = []
        for member in lines.flatMap({ $0.split(separator: ",") }) {
            let parts = member.split(separator: ";", omittingEmptySubsequences: false)
            let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, names.count == 2, names.allSatisfy(isPlain), names[0] != "*" || names[1] == "*"
            else {
                return nil
            }
            var quality = 1.0
            if parts.count == 2 {
                guard parts[1].hasPrefix("q=0.") || parts[1] == "q=0" || parts[1] == "q=1", parts[1].utf8.count <= 7,
                    parts[1].utf8.dropFirst(4).allSatisfy({ (0x30...0x39).contains($0) }),
                    let value = Double(parts[1].dropFirst(2) + "0")
                else { return nil }
                quality = parts[1] == "q=1" ? 1 : value
            }
            ranges.append(SimpleRange(type: names[0], subtype: names[1], quality: quality))
        }
        return ranges
    }

    private static func isPlain(_ name: Substring) -> Bool {
        name == "*" || !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
    }

    private static func best(of ranges: [SimpleRange], among offers: [ContentNegotiation.Offer]) -> Int? {
        let qualities = offers.map { offer in
            let exact = ranges.filter { $0.type == offer.type && $0.subtype == offer.subtype }
            let ofType = ranges.filter { $0.type == offer.type && $0.subtype == "*" }
            let any = ranges.filter { $0.type == "*" }
            let deciding = [exact, ofType, any].first { !$0.isEmpty } ?? []
            return deciding.map(\.quality).max() ?? 0
        }
        guard let highest = qualities.max(), highest > 0 else { return nil }
        return qualities.firstIndex(of: highest)
    }
}
