import Fibonacci

/// The forms in which an answer is given.
enum Representation: String, CaseIterable, Sendable {
    case json
    case text

    /// The largest n whose value is at most 2^53 − 1, which every JSON reader holds exactly (RFC 8259 §6).
    static let largestNumberIndex = 78

    /// The version of the bodies' form. Part of every entity tag: a change of form changes the tags.
    private static let schemaVersion = 1

    static let offers: [ContentNegotiation.Offer] = [
        ContentNegotiation.Offer(type: "application", subtype: "json"),
        ContentNegotiation.Offer(type: "text", subtype: "plain", parameters: ["charset": "utf-8"]),
    ]

    /// The media types, for an answer that lists them.
    static let mediaTypes = ["application/json", "text/plain"]

    /// The one to answer with, or nil if none is acceptable.
    static func negotiate(accept fieldLines: [String]) -> Representation? {
        ContentNegotiation.select(from: offers, accept: fieldLines).map { allCases[$0] }
    }

    var contentType: String {
        switch self {
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        }
    }

    /// The strong validator of the answer for `index`: values never change, so it needs none.
    func entityTag(for index: Int) -> EntityTag {
        EntityTag(opaque: "fib-v\(Self.schemaVersion)-\(rawValue)-\(index)")
    }

    /// The length of the body for `index` from the closed form of its digit count; O(1).
    func contentLength(for index: Int) -> Int {
        let digits = Fibonacci.digitCount(at: index)
        switch self {
        case .text: return digits
        case .json:
            return FibonacciBody.jsonPrefix(for: index).utf8.count + digits
                + FibonacciBody.jsonSuffix(for: index).utf8.count
        }
    }

    /// `X-Precision`: whether the JSON value is a number or a string of digits.
    static func precision(for index: Int) -> String {
        index <= largestNumberIndex ? "integer" : "string"
    }
}
