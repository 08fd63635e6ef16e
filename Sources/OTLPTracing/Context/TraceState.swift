/// What vendors hand on with a trace, kept to the letter: the value of `tracestate`, W3C Trace Context, §3.3.
package struct TraceState: Sendable, Hashable, CustomStringConvertible {
    /// The most characters that are handed on; the specification asks for at least as many.
    package static let longest = 512
    /// The most members of a list.
    package static let mostMembers = 32

    /// The field's value.
    package let description: String

    /// A valid, non-empty value, or nil: then it is not handed on.
    ///
    /// O(characters), and once more for each pair of members.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.longest, Self.isValid(text) else { return nil }
        description = text
    }

    private static func isValid(_ text: String) -> Bool {
        var keys: [Substring.UTF8View] = []
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let member = FieldText.trimmed(part)
            // The grammar allows empty members.
            if member.isEmpty { continue }
            guard keys.count < mostMembers, let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return false }
            let key = member[..<equals]
            let value = member[member.index(after: equals)...]
            guard isKey(key), isValue(value), !keys.contains(where: { $0.elementsEqual(key) }) else { return false }
            keys.append(key)
        }
        return !keys.isEmpty
    }

    private static func isKey(_ key: Substring.UTF8View) -> Bool {
        guard let at = key.firstIndex(of: UInt8(ascii: "@")) else {
            return isKeyPart(key, longest: 256, mayBeginWithDigit: false)
        }
        return isKeyPart(key[..<at], longest: 241, mayBeginWithDigit: true)
            && isKeyPart(key[key.index(after: at)...], longest: 14, mayBeginWithDigit: false)
    }

    private static func isKeyPart(_ part: Substring.UTF8View, longest: Int, mayBeginWithDigit: Bool) -> Bool {
        guard let first = part.first, part.count <= longest else { return false }
        return (isLetter(first) || (mayBeginWithDigit && isDigit(first)))
            && part.allSatisfy { isLetter($0) || isDigit($0) || "_-*/".utf8.contains($0) }
    }

    private static func isValue(_ value: Substring.UTF8View) -> Bool {
        // The last character is no space: those were trimmed.
        !value.isEmpty && value.count <= 256
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
