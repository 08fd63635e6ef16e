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
    ///
    /// What a server repeats of the arguments of a command that it does not know is left out: it may be secret.
    package init(text: String) {
        let text = text.firstRange(of: ", with args").map { String(text[..<$0.lowerBound]) } ?? text
        guard let space = text.firstIndex(of: " ") else {
            self.init(prefix: text, message: "")
            return
        }
        self.init(prefix: String(text[..<space]), message: String(text[text.index(after: space)...]))
    }

    /// The reply's text.
    package var description: String {
        message.isEmpty ? prefix : "\(prefix) \(message)"
    }
}
