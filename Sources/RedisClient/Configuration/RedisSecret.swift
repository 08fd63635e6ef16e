/// Text that no description, dump or log line shows.
package struct RedisSecret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// The text, for the one place that needs it.
    package let revealed: String

    /// Hides `text`.
    package init(_ text: String) { revealed = text }

    /// Nothing of the text.
    package var description: String { "<secret>" }
    /// Nothing of the text.
    package var debugDescription: String { description }
    /// Nothing of the text.
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// `text` with this secret cut out, wherever it occurs.
    func removed(from text: String) -> String {
        guard !revealed.isEmpty else { return text }
        var rest = text[...]
        var result = ""
        while let range = rest.firstRange(of: revealed) {
            result += rest[..<range.lowerBound] + "<secret>"
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
