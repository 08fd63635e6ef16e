/// An entity tag (RFC 9110 §8.8.3): a validator for one representation.
struct EntityTag: Equatable, Sendable {
    /// The opaque part, without quotes.
    var opaque: String
    /// Whether it was marked `W/`.
    var isWeak = false

    /// The tag as a field value: quoted, with the mark of weakness where it applies.
    var fieldValue: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

    /// Strong comparison (§8.8.3.2): both strong and equal.
    func matchesStrongly(_ other: EntityTag) -> Bool {
        !isWeak && !other.isWeak && opaque == other.opaque
    }

    /// Weak comparison (§8.8.3.2): equal but for weakness.
    func matchesWeakly(_ other: EntityTag) -> Bool {
        opaque == other.opaque
    }
}

/// What an `If-Match` or `If-None-Match` field lists.
enum EntityTagList: Equatable {
    /// `*`: any current representation.
    case any
    /// The tags that could be read; members that are no tags are left out.
    case tags([EntityTag])

    /// Reads the field values of all lines of one field.
    ///
    /// A member without quotes counts as the strong tag of that text, because clients of the service before this one send
    /// it so.
    ///
    /// - Returns: nil if there is no line at all.
    init?(fieldLines: [String]) {
        if fieldLines.isEmpty { return nil }
        if fieldLines.count == 1, fieldLines[0].trimmingSpaces == "*" {
            self = .any
            return
        }
        self = .tags(fieldLines.flatMap { Self.members(of: $0.utf8[...]) })
    }

    private static func members(of line: Substring.UTF8View) -> [EntityTag] {
        var tags: [EntityTag] = []
        var rest = line
        while !rest.isEmpty {
            // Commas are legal inside quotes, so the end of a member depends on where its quotes are.
            var member = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: ",") }
            let isWeak = member.starts(with: "W/\"".utf8)
            if isWeak { member = member.dropFirst(2) }
            if member.first == UInt8(ascii: "\"") {
                let content = member.dropFirst()
                guard let quote = content.firstIndex(of: UInt8(ascii: "\"")) else { return tags }
                let afterQuote = content[content.index(after: quote)...]
                let tail = afterQuote.prefix { $0 != UInt8(ascii: ",") }
                if tail.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }),
                    content[..<quote].allSatisfy(isTagCharacter)
                {
                    tags.append(EntityTag(opaque: String(Substring(content[..<quote])), isWeak: isWeak))
                }
                rest = afterQuote.dropFirst(tail.count)
            } else {
                let bare = member.prefix { $0 != UInt8(ascii: ",") }
                let text = String(Substring(bare)).trimmingSpaces
                if !text.isEmpty, text != "*", text.utf8.allSatisfy(isTagCharacter) {
                    tags.append(EntityTag(opaque: text))
                }
                rest = member.dropFirst(bare.count)
            }
        }
        return tags
    }

    /// `etagc` of RFC 9110 §8.8.3.
    private static func isTagCharacter(_ byte: UInt8) -> Bool {
        byte == 0x21 || (0x23...0x7E).contains(byte) || byte >= 0x80
    }
}
