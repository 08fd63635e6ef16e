package import RESP

/// A command with what routing and health need to know of it.
package struct RedisCommand: Sendable, CustomStringConvertible {
    /// The name, such as `GET`.
    package let name: String
    /// The name and what follows it.
    let words: [RESPArgument]
    /// Which of the arguments are keys.
    package let keyPositions: Range<Int>
    /// Whether the command changes data.
    package let isWrite: Bool

    /// A command.
    ///
    /// - Parameters:
    ///   - name: the command's name; a subcommand is the first argument.
    ///   - arguments: what follows.
    ///   - keyPositions: which of the arguments are keys. All have to be in one slot where a cluster serves them.
    ///   - isWrite: whether it changes data.
    package init(
        _ name: String,
        _ arguments: [RESPArgument] = [],
        keys keyPositions: Range<Int> = 0..<0,
        isWrite: Bool = false
    ) {
        self.name = name
        words = [RESPArgument(name)] + arguments
        self.keyPositions = keyPositions.clamped(to: 0..<arguments.count)
        self.isWrite = isWrite
    }

    /// What follows the name.
    package var arguments: ArraySlice<RESPArgument> { words.dropFirst() }

    /// The keys.
    package var keys: ArraySlice<RESPArgument> { words[(keyPositions.lowerBound + 1)..<(keyPositions.upperBound + 1)] }

    /// The name and how much follows it, never what.
    package var description: String {
        "\(name) (\(arguments.count) arguments, \(arguments.reduce(0) { $0 + $1.byteCount }) bytes)"
    }
}
