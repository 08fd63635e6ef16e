/// Proactive negotiation over `Accept` (RFC 9110 §12.5.1).
enum ContentNegotiation {
    /// A media type that a resource can produce.
    struct Offer: Equatable {
        var type: String
        var subtype: String
        /// Parameters that a range may name and still match, lower-cased.
        var parameters: [String: String] = [:]
    }

    /// One member of an `Accept` field.
    private struct MediaRange {
        var type: Substring
        var subtype: Substring
        var parameters: [(name: String, value: String)] = []
        /// Quality in thousandths, 0…1000.
        var quality = 1000

        /// Zero if it does not match; otherwise larger the more specific it is.
        func specificity(for offer: Offer) -> Int {
            if type == "*" { return subtype == "*" && parameters.isEmpty ? 1 : 0 }
            guard type.caseInsensitiveEquals(offer.type) else { return 0 }
            if subtype == "*" { return parameters.isEmpty ? 2 : 0 }
            guard subtype.caseInsensitiveEquals(offer.subtype) else { return 0 }
            for parameter in parameters where offer.parameters[parameter.name] != parameter.value { return 0 }
            return 3 + parameters.count
        }
    }

    /// The position of the best offer: the highest quality, and among equals the first.
    ///
    /// Members that do not parse are ignored; if none parses, or there is no field, everything is acceptable.
    ///
    /// - Returns: nil if every offer is excluded.
    static func select(from offers: [Offer], accept fieldLines: [String]) -> Int? {
        let ranges = fieldLines.flatMap { QuotedSplit.split($0[...], at: UInt8(ascii: ",")).compactMap(parse) }
        if ranges.isEmpty { return offers.isEmpty ? nil : 0 }
        var best: (position: Int, quality: Int)?
        for (position, offer) in offers.enumerated() {
            var specificity = 0
            var quality = 0
            for range in ranges {
                let candidate = range.specificity(for: offer)
                if candidate > specificity || (candidate == specificity && candidate > 0 && range.quality > quality) {
                    (specificity, quality) = (candidate, range.quality)
                }
            }
            if quality > (best?.quality ?? 0) {
                best = (position, quality)
            }
        }
        return best?.position
    }

    private static func parse(_ member: Substring) -> MediaRange? {
        var parts = QuotedSplit.split(member, at: UInt8(ascii: ";"))[...]
        guard let range = parts.popFirst() else { return nil }
        let halves = String(range).trimmingSpaces.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy(\.isToken) else { return nil }
        guard halves[0] != "*" || halves[1] == "*" else { return nil }
        var result = MediaRange(type: halves[0], subtype: halves[1])
        for part in parts {
            let text = String(part).trimmingSpaces
            if text.isEmpty { continue }
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = text[..<equals].lowercased()
            let value = unquoted(text[text.utf8.index(after: equals)...])
            guard name[...].isToken, let value else { return nil }
            if name == "q" {
                guard let quality = quality(of: value) else { return nil }
                result.quality = quality
                // What follows the weight is an accept-ext, not a parameter of the type.
                break
            }
            result.parameters.append((name, value.lowercased()))
        }
        return result
    }

    private static func unquoted(_ text: Substring) -> String? {
        guard text.utf8.first == UInt8(ascii: "\"") else { return text.isToken ? String(text) : nil }
        guard text.utf8.count >= 2, text.utf8.last == UInt8(ascii: "\"") else { return nil }
        return String(text.dropFirst().dropLast().filter { $0 != "\\" })
    }

    /// `qvalue` of RFC 9110 §12.4.2 in thousandths.
    private static func quality(of text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), bytes.count <= 5 else {
            return nil
        }
        guard bytes.count == 1 || bytes[1] == UInt8(ascii: ".") else { return nil }
        var thousandths = Int(first - UInt8(ascii: "0"))
        for position in 2..<5 {
            let digit = position < bytes.count ? bytes[position] : UInt8(ascii: "0")
            guard digit.isDigit else { return nil }
            thousandths = thousandths * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return thousandths <= 1000 ? thousandths : nil
    }
}
