/// An element of `Accept`.
struct MediaRange {
    var type: String
    /// Nil when any will do.
    var version: String?
    /// Thousandths.
    var weight = 1000

    /// How exactly this names a format; nil when it does not hold it.
    func precision(for format: ExpositionFormat) -> Int? {
        let (own, group, ownVersion) =
            switch format {
            case .text: ("text/plain", "text/*", "0.0.4")
            case .openMetrics: ("application/openmetrics-text", "application/*", "1.0.0")
            }
        switch type {
        case own:
            guard let version else { return 2 }
            return version == ownVersion ? 3 : nil
        case group: return 1
        case "*/*": return 0
        default: return nil
        }
    }

    /// The elements of one line; those with a weight that is none are left out.
    static func list(_ line: String) -> [Self] {
        split(line, at: ",").compactMap(Self.init)
    }

    private init?(_ text: Substring) {
        let parts = Self.split(text, at: ";").map(Self.trimmed)
        guard let first = parts.first, !first.isEmpty else { return nil }
        type = first.lowercased()
        for parameter in parts.dropFirst() {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            let name = Self.trimmed(parameter[..<equals]).lowercased()
            let value = Self.unquoted(Self.trimmed(parameter[parameter.index(after: equals)...]))
            if name == "version" { version = value }
            if name == "q" {
                guard let thousandths = Self.thousandths(value) else { return nil }
                weight = thousandths
            }
        }
    }

    /// `0`, `0.5`, `1.000`: up to three decimals, not above one.
    private static func thousandths(_ text: String) -> Int? {
        let digits = text.utf8
        guard let first = digits.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else { return nil }
        let rest = digits.dropFirst()
        guard let point = rest.first else { return first == UInt8(ascii: "1") ? 1000 : 0 }
        let decimals = rest.dropFirst()
        guard point == UInt8(ascii: "."), decimals.count <= 3,
            decimals.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        var value = first == UInt8(ascii: "1") ? 1 : 0
        for position in 0..<3 {
            let digit = decimals.dropFirst(position).first.map { Int($0 - UInt8(ascii: "0")) } ?? 0
            value = value * 10 + digit
        }
        return value <= 1000 ? value : nil
    }

    /// The parts between separators that are not inside quotes.
    private static func split(_ text: some StringProtocol, at separator: Character) -> [Substring] {
        var isQuoted = false
        var isEscaped = false
        return Substring(text).split(omittingEmptySubsequences: false) { character in
            defer { isEscaped = isQuoted && character == "\\" && !isEscaped }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            return character == separator && !isQuoted
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    private static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return String(text) }
        return String(text.dropFirst().dropLast())
    }
}
