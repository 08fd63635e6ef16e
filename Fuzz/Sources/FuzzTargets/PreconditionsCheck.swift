import HTTPTypes

@testable import FibonacciAPI

/// Preconditions and negotiation: what they say does not depend on how members are spread over lines, nor on a second asking.
enum PreconditionsCheck {
    private static let current = EntityTag(opaque: "fib-v1-json-10")
    private static let names: [HTTPField.Name] = [.ifMatch, .ifNoneMatch, .accept]

    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        var fields = HTTPFields()
        for line in Input.parts(input, at: 0x0A).prefix(64) {
            guard let colon = line.utf8.firstIndex(of: 0x3A),
                let name = names.first(where: { $0.canonicalName == line[..<colon].lowercased() })
            else { continue }
            fields.append(HTTPField(name: name, value: String(line[line.utf8.index(after: colon)...])))
        }
        try checkTags(fields[values: .ifMatch])
        try checkTags(fields[values: .ifNoneMatch])
        try checkOutcome(fields)
        try NegotiationCheck.check(fields[values: .accept])
    }

    private static func checkTags(_ lines: [String]) throws(Violation) {
        guard let list = EntityTagList(fieldLines: lines) else {
            try require(lines.isEmpty, "lines make a list")
            return
        }
        guard case .tags(let tags) = list else {
            try require(lines.count == 1 && lines[0].filter { $0 != " " && $0 != "\t" } == "*", "* stands alone")
            return
        }
        if let strict = strictTags(lines) { try require(tags == strict, "what follows the grammar is read: \(strict)") }
        if tags.isEmpty { return }
        let values = tags.map(\.fieldValue)
        for separator in [",", ", ", " ,\t,"] {
            let joined = EntityTagList(fieldLines: [values.joined(separator: separator)])
            try require(joined == list, "tags in one line are those of many")
        }
        try require(EntityTagList(fieldLines: values) == list, "tags, written again, are the same")
    }

    /// The members of lines that keep to `#entity-tag` of RFC 9110 §8.8.3; nil if one does not.
    private static func strictTags(_ lines: [String]) -> [EntityTag]? {
        var tags: [EntityTag] = []
        for line in lines {
            var rest = Array(line.utf8)[...]
            func skip(_ bytes: String) { rest = rest.drop { bytes.utf8.contains($0) } }
            while true {
                skip(" \t,")
                if rest.isEmpty { break }
                let isWeak = rest.starts(with: "W/".utf8)
                if isWeak { rest = rest.dropFirst(2) }
                guard rest.popFirst() == 0x22, let end = rest.firstIndex(of: 0x22) else { return nil }
                let opaque = rest[..<end]
                guard opaque.allSatisfy({ $0 == 0x21 || $0 >= 0x23 && $0 != 0x7F }) else { return nil }
                tags.append(EntityTag(opaque: String(decoding: opaque, as: UTF8.self), isWeak: isWeak))
                rest = rest[(end + 1)...]
                skip(" \t")
                guard rest.isEmpty || rest.first == 0x2C else { return nil }
            }
        }
        return tags
    }

    private static func checkOutcome(_ fields: HTTPFields) throws(Violation) {
        let outcome = Preconditions.evaluate(fields, current: current)
        try require(outcome == Preconditions.evaluate(fields, current: current), "the outcome is the same twice")
        let fails: Bool
        switch EntityTagList(fieldLines: fields[values: .ifMatch]) {
        case .tags(let tags): fails = !tags.contains(current)
        case .any, nil: fails = false
        }
        try require((outcome == .failed) == fails, "If-Match fails if the tag is not among its own, and only then")

        var held = fields
        held.append(HTTPField(name: .ifNoneMatch, value: "W/\(current.fieldValue)"))
        try require(
            Preconditions.evaluate(held, current: current) == (fails ? .failed : .notModified),
            "whoever holds the representation does not get it again"
        )
        held.append(HTTPField(name: .ifMatch, value: current.fieldValue))
        try require(Preconditions.evaluate(held, current: current) == .notModified, "If-Match of the tag itself holds")
    }
}
