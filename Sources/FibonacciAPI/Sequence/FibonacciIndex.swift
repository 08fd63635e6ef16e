import Fibonacci

/// The parameter `n`: reads it, or says what is wrong with it.
enum FibonacciIndex {
    /// The index that the query asks for.
    ///
    /// A number of any length is judged by its digits, so that nothing overflows.
    ///
    /// - Throws: an `invalid-parameter` or `n-too-large` problem.
    static func parse(_ query: QueryParameters, maximum: Int) throws(Problem) -> Int {
        let digits: [UInt8]
        switch query.lookup("n") {
        case .single(let value): digits = value
        case .missing: throw invalid("The query parameter n is missing: ask for /v1/fib?n=10, for example.")
        case .repeated(let count): throw invalid("The query parameter n is given \(count) times: give it once.")
        }
        if let complaint = complaint(about: digits) {
            throw invalid("\(complaint) Write n as a whole number in decimal digits, such as 0, 10 or 1000000.")
        }
        let limit = Array(String(maximum).utf8)
        // No leading zeros: of two numbers, the longer is larger.
        if digits.count > limit.count || (digits.count == limit.count && limit.lexicographicallyPrecedes(digits)) {
            throw Problem(
                kind: .indexTooLarge,
                detail: "n is \(shown(digits)), and the largest n that this service answers is \(maximum).",
                extensions: [.maximumIndex(maximum)]
            )
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func complaint(about value: [UInt8]) -> String? {
        guard let first = value.first else { return "n is empty." }
        if value.allSatisfy(\.isDigit) {
            return first == UInt8(ascii: "0") && value.count > 1 ? "n is \(shown(value)), with a leading zero." : nil
        }
        let rest = value.dropFirst()
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "+"), !rest.isEmpty, rest.allSatisfy(\.isDigit) {
            return "n is \(shown(value)), with a sign."
        }
        return "n is \(shown(value)), which is not a whole number."
    }

    private static func invalid(_ detail: String) -> Problem {
        Problem(kind: .invalidParameter, detail: detail, extensions: [.parameter("n")])
    }

    /// The value in quotes, short and in visible ASCII.
    private static func shown(_ value: [UInt8]) -> String {
        let limit = 40
        let text = value.prefix(limit).map { byte in
            (0x20..<0x7F).contains(byte)
                ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "'\(text.joined())\(value.count > limit ? "…" : "")'"
            + (value.count > limit ? " (\(value.count) characters)" : "")
    }
}
