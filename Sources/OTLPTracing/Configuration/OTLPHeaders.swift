/// Header fields that every export carries. Their values are secrets: no description, dump or log line shows them.
package struct OTLPHeaders: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    struct Field: Sendable, Hashable {
        let name: String
        let value: String
    }

    /// The fields, for the one place that needs them.
    let fields: [Field]

    /// No fields.
    package init() { fields = [] }

    /// The most fields.
    static let most = 64
    /// The most bytes of names and values together.
    static let longest = 16_384
    /// What the exporter sets itself.
    private static let reserved: Set<String> = [
        "connection", "content-encoding", "content-length", "content-type", "host", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    static let expectation =
        "at most \(most) pairs name=value, separated by commas, values percent-encoded, none of a name that the exporter sets itself"

    /// Reads `OTEL_EXPORTER_OTLP_HEADERS`; nil if it is malformed.
    init?(_ text: String) {
        guard text.utf8.count <= Self.longest, let pairs = KeyValueList.parse(text), pairs.count <= Self.most,
            pairs.allSatisfy({ Self.isField($0.key, $0.value) })
        else { return nil }
        fields = pairs.map { Field(name: $0.key, value: $0.value) }
    }

    private static func isField(_ name: String, _ value: String) -> Bool {
        FieldText.isToken(name.utf8) && !reserved.contains(name.lowercased())
            && value.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7E).contains($0) || $0 >= 0x80 }
    }

    /// How many there are, and nothing of them.
    package var description: String { "<\(fields.count) header fields>" }
    /// As ``description``.
    package var debugDescription: String { description }
    /// Nothing of the fields.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
