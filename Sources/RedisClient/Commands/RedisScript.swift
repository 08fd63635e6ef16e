package import RESP

/// A Lua script that servers keep under the SHA-1 of its source.
package struct RedisScript: Sendable, Hashable {
    /// The source.
    package let source: String
    /// SHA-1 of the source, in lower-case hexadecimal.
    package let digest: String
    /// Whether it changes data.
    package let isWrite: Bool

    /// A script; its digest is computed once, here.
    package init(_ source: String, isWrite: Bool = true) {
        self.source = source
        self.isWrite = isWrite
        digest = SHA1.hexadecimalDigest(of: source.utf8)
    }

    /// `EVALSHA` with these keys and arguments.
    package func evaluation(keys: [String], arguments: [RESPArgument]) -> RedisCommand {
        command("EVALSHA", RESPArgument(digest), keys: keys, arguments: arguments)
    }

    /// `EVAL`, which brings the source along and makes the server keep it.
    func evaluationWithSource(keys: [String], arguments: [RESPArgument]) -> RedisCommand {
        command("EVAL", RESPArgument(source), keys: keys, arguments: arguments)
    }

    private func command(
        _ name: String,
        _ script: RESPArgument,
        keys: [String],
        arguments: [RESPArgument]
    ) -> RedisCommand {
        RedisCommand(
            name,
            [script, RESPArgument(keys.count)] + keys.map { RESPArgument($0) } + arguments,
            keys: 2..<(2 + keys.count),
            isWrite: isWrite
        )
    }
}
