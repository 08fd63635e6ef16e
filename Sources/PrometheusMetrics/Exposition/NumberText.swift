/// A sample's value: whole numbers keep all of their digits.
enum SampleNumber: Sendable, Equatable {
    case whole(UInt64)
    case real(Double)

    var real: Double {
        switch self {
        case .whole(let value): Double(value)
        case .real(let value): value
        }
    }
}

/// Numbers as Prometheus reads them, exactly: the shortest text that means the same number.
enum NumberText {
    static func sample(_ value: Double) -> String {
        if let special = special(value) { return special }
        // The largest below which every whole number is one of its own.
        if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) { return String(Int64(value)) }
        return value.description
    }

    /// A bucket's bound in the canonical form of OpenMetrics, which Prometheus 3 gives to all bounds: `0.005`, `1.0`, `1e+06`.
    static func bound(_ value: Double) -> String {
        if let special = special(value) { return special }
        let text = value.description
        guard value >= 1e6, !text.contains("e"), let point = text.firstIndex(of: ".") else { return text }
        let whole = text[..<point]
        var digits = whole.dropFirst() + text[text.index(after: point)...]
        while digits.last == "0" { digits.removeLast() }
        let exponent = whole.count - 1
        return "\(whole.prefix(1))\(digits.isEmpty ? "" : ".")\(digits)e+\(exponent < 10 ? "0" : "")\(exponent)"
    }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return nil
    }
}
