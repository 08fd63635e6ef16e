/// Splits list-based fields at a delimiter that counts only outside quoted strings (RFC 9110 §5.6.1, §5.6.4).
enum QuotedSplit {
    /// The non-empty pieces of `text`.
    static func split(_ text: Substring, at delimiter: UInt8) -> [Substring] {
        var pieces: [Substring] = []
        var start = text.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted && byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == delimiter && !isQuoted {
                if start < index { pieces.append(text[start..<index]) }
                start = text.utf8.index(after: index)
            }
        }
        if start < text.endIndex { pieces.append(text[start...]) }
        return pieces
    }
}

extension Substring {
    /// Whether this is a `token` of RFC 9110 §5.6.2.
    var isToken: Bool {
        !isEmpty && utf8.allSatisfy(\.isTokenCharacter)
    }

    /// Equality of ASCII text without regard to letter case.
    func caseInsensitiveEquals(_ other: String) -> Bool {
        utf8.count == other.utf8.count && zip(utf8, other.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
    }
}

extension String {
    /// The text without spaces and tabs at its ends (OWS of RFC 9110 §5.6.3).
    var trimmingSpaces: String {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = utf8.first, let last = utf8.last, isSpace(first) || isSpace(last) else { return self }
        let start = utf8.firstIndex { !isSpace($0) } ?? utf8.endIndex
        let end = utf8.lastIndex { !isSpace($0) }.map { utf8.index(after: $0) } ?? start
        return start < end ? String(self[start..<end]) : ""
    }
}
