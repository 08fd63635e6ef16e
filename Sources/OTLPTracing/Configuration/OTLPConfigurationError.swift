/// A variable of the environment with which no tracer can be made.
package struct OTLPConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The variable's name.
    package let variable: String
    /// What it held, at most 100 characters of it; nil where that may be secret.
    package let held: String?
    /// What it may hold.
    package let expected: String

    init(_ variable: String, held: String?, expected: String) {
        self.variable = variable
        self.held = held.map { String($0.prefix(100)) }
        self.expected = expected
    }

    /// One line for the one who set it.
    package var description: String {
        // The debug description escapes line breaks and the like.
        "\(variable): expected \(expected)" + (held.map { ", not \($0.debugDescription)" } ?? "")
    }
}
