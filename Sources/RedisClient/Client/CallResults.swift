internal import NIOCore
internal import RESP
internal import Synchronization

extension Result<[RESPValue], RedisError> {
    /// A result for each command; error replies become errors.
    func results(of commands: [RedisCommand], endpoint: RedisEndpoint?) -> [Result<RESPValue, RedisError>] {
        switch self {
        case .success(let replies):
            return zip(replies, commands).map { $0.result(of: $1, endpoint: endpoint) }
        case .failure(var error):
            return commands.map { command in
                error.command = command.name
                return .failure(error)
            }
        }
    }
}

extension RESPValue {
    /// The value, or what an error reply says.
    func result(of command: RedisCommand, endpoint: RedisEndpoint?) -> Result<RESPValue, RedisError> {
        guard case .error(let error) = self else { return .success(self) }
        return .failure(
            RedisError(
                .reply(RedisReplyCode(error)),
                error.description,
                endpoint: endpoint,
                command: command.name,
                cause: error
            )
        )
    }
}

extension RedisError {
    static func pipelineTooLong(_ count: Int, _ limits: RedisLimits) -> RedisError {
        RedisError(
            .invalidCall,
            "not sent: a pipeline of \(count) commands, the limit is \(limits.pipelineCommands); send it in parts"
        )
    }
}

extension RedisObserver {
    /// Tells of a call with its first error.
    func callEnded(
        _ commands: [RedisCommand],
        _ results: [Result<RESPValue, RedisError>],
        since start: NIODeadline,
        endpoint: RedisEndpoint?
    ) {
        var error: RedisError?
        for case .failure(let failure) in results {
            error = failure
            break
        }
        callEnded(
            name: commands.count == 1 ? commands[0].name : "PIPELINE",
            endpoint: endpoint,
            duration: .nanoseconds((NIODeadline.now() - start).nanoseconds),
            error: error
        )
    }
}

/// Lets a node's callback look at the node, which is made after it.
final class NodeReference: Sendable {
    private struct Storage {
        weak var node: RedisNode?
    }

    private let storage = Mutex(Storage())

    var node: RedisNode? { storage.withLock { $0.node } }

    func set(_ node: RedisNode) {
        storage.withLock { $0.node = node }
    }
}
