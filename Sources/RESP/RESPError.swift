/// An error reply: the first word says which, the rest explains.
package struct RESPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first word, such as `WRONGTYPE`; servers write it in capitals.
    package var prefix: String
    /// What follows the first word.
    package var message: String

    /// An error of these parts.
    package init(prefix: String, message: String) {
        self.prefix = prefix
        self.message = message
    }

    /// Splits the text of an error reply behind its first word.
    package init(text: String) {
        guard let space = text.firstIndex(of: " ") else {
            self.init(prefix: text, message: "")
            return
        }
        self.init(prefix: String(text[..<space]), message: String(text[text.index(after: space)...]))
    }

    /// The reply's text, without the arguments that a server repeats after commands it does not know: these may be secret.
    package var description: String {
        let text = message.isEmpty ? prefix : "\(prefix) \(message)"
        guard let echo = text.firstRange(of: ", with args") else { return text }
        return String(text[..<echo.lowerBound])
    }
}
