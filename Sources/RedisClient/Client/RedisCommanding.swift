internal import NIOCore
package import RESP

/// What takes commands: a single server's client, a cluster's, or a stand-in for tests.
package protocol RedisCommanding: Sendable {
    /// How it stands at this moment.
    var state: RedisState { get }

    /// Commands that wait for replies.
    var inFlightCount: Int { get }

    /// Calls `listener` once for each change of state, in order, on any thread; it must not block.
    func onStateChange(_ listener: @escaping @Sendable (RedisState) -> Void)

    /// Sends commands together and gives a result for each, in order.
    ///
    /// They are not a transaction: others' commands may come between, and some may fail while others do not. Nothing is sent
    /// again that the server may have carried out.
    ///
    /// - Parameter timeout: for all of them; nil means the client's own.
    func perform(_ commands: [RedisCommand], timeout: Duration?) async -> [Result<RESPValue, RedisError>]
}

extension RedisCommanding {
    /// Sends a command and waits for its reply.
    ///
    /// - Parameter timeout: how long at most; nil means the client's own.
    /// - Throws: why there is no reply; error replies are thrown, too.
    package func send(
        _ command: RedisCommand,
        timeout: Duration? = nil
    ) async throws(RedisError) -> RESPValue {
        guard let result = await perform([command], timeout: timeout).first else {
            throw RedisError(.invalidCall, "no result", command: command.name)
        }
        return try result.get()
    }

    /// Runs a script by its digest, and once with its source where the server does not know it.
    ///
    /// - Parameter timeout: for both attempts together; nil means the client's own.
    /// - Throws: why there is no reply; error replies are thrown, too.
    package func evaluate(
        _ script: RedisScript,
        keys: [String],
        arguments: [RESPArgument] = [],
        timeout: Duration? = nil
    ) async throws(RedisError) -> RESPValue {
        let start = NIODeadline.now()
        do throws(RedisError) {
            return try await send(script.evaluation(keys: keys, arguments: arguments), timeout: timeout)
        } catch {
            guard error.code == .reply(.noScript) else { throw error }
        }
        let spent = NIODeadline.now() - start
        return try await send(
            script.evaluationWithSource(keys: keys, arguments: arguments),
            timeout: timeout.map { $0 - .nanoseconds(spent.nanoseconds) }
        )
    }
}
