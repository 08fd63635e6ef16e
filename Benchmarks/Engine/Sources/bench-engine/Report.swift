import CGMP
import Fibonacci

/// The measured times as a table in Markdown.
struct Report {
    private static let begin = "<!-- bench-engine begin -->"
    private static let end = "<!-- bench-engine end -->"

    var rows: [Comparison]

    var markdown: String {
        var names: [String] = []
        for row in rows {
            for contender in row.contenders where !names.contains(contender.name) { names.append(contender.name) }
        }
        var lines = [
            "GMP \(String(cString: __gmp_version)); times in milliseconds, and how many times faster than GMP.",
            "",
            "| n | GMP |" + names.map { " \($0) |" }.joined(),
            "|---|---|" + names.map { _ in "---|" }.joined(),
        ]
        for row in rows {
            let cells = names.map { name -> String in
                guard let contender = row.contenders.first(where: { $0.name == name }) else { return " |" }
                let ratios = zip(row.gmp, contender.times).map { $0 / $1 }
                return " \(Self.milliseconds(median(contender.times))) (**\(Self.rounded(median(ratios), 1))×**) |"
            }
            lines.append("| \(Self.index(row.n)) | \(Self.milliseconds(median(row.gmp))) |" + cells.joined())
        }
        return lines.joined(separator: "\n")
    }

    /// Puts the table in place of what is between the two marks of a file.
    func replaceSection(of path: String) throws {
        let text = try readFile(path)
        guard let first = text.range(of: Self.begin), let last = text.range(of: Self.end),
            first.upperBound <= last.lowerBound
        else { BenchEngine.fail("\(path) has no lines '\(Self.begin)' and '\(Self.end)'") }
        try writeFile(path, text[..<first.upperBound] + "\n" + markdown + "\n" + text[last.lowerBound...])
    }

    private static func index(_ n: Int) -> String {
        var (exponent, rest) = (0, n)
        while rest >= 1_000, rest.isMultiple(of: 10) { (exponent, rest) = (exponent + 1, rest / 10) }
        if exponent > 0, rest == 100 { return "10^\(exponent + 2)" }
        return n == 1_000 ? "10^3" : n == 100 ? "10^2" : "\(n)"
    }

    private static func milliseconds(_ seconds: Double) -> String {
        let value = seconds * 1e3
        let places = value < 0.001 ? 6 : value < 0.1 ? 5 : value < 1 ? 4 : value < 100 ? 2 : 0
        return rounded(value, places)
    }

    private static func rounded(_ value: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let whole = Int((value * scale).rounded())
        guard places > 0 else { return "\(whole)" }
        let fraction = "\(whole % Int(scale))"
        return "\(whole / Int(scale))." + String(repeating: "0", count: places - fraction.utf8.count) + fraction
    }
}

private func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? {
        indices.first { self[$0...].hasPrefix(part) }.map { $0..<index($0, offsetBy: part.count) }
    }
}

private func + (a: Substring, b: String) -> String { String(a) + b }
private func + (a: String, b: Substring) -> String { a + String(b) }
