/// Why a call has no value: a code to act on, a sentence, the place, and what lies behind it.
///
/// No part of it holds a command's arguments or a password.
package struct RedisError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    package enum Code: Sendable, Hashable {
        /// No connection is there; nothing was sent.
        case notConnected
        /// The circuit breaker is open; nothing was sent.
        case circuitOpen
        /// Too much is in flight; nothing was sent.
        case queueFull
        /// No reply came in time. The server may still carry the command out.
        case timeout
        /// The time was over before it could be sent; nothing was sent.
        case expiredUnsent
        /// The task was cancelled. The server may still carry the command out.
        case cancelled
        /// The connection was lost before the reply came. The server may have carried the command out.
        case connectionClosed
        /// No connection could be made.
        case connectFailed
        /// The TLS handshake failed, or the certificate is not trusted.
        case tls
        /// The server refused the handshake.
        case handshakeRefused
        /// What came is no Redis protocol, or exceeds a limit.
        case protocolViolation
        /// The server answered with an error.
        case reply(RedisReplyCode)
        /// The keys of one command or pipeline belong to different slots, or there is no key; nothing was sent.
        case crossSlot
        /// No node is known for the slot; nothing was sent.
        case slotUncovered
        /// The cluster sent the command from node to node too often.
        case tooManyRedirections
        /// The client is shut down; nothing was sent.
        case shutDown
        /// The call itself cannot be sent.
        case invalidCall
    }

    /// What happened.
    package var code: Code
    /// What happened, what was expected and what to do, in words.
    package var message: String
    /// The server, where one was involved.
    package var endpoint: RedisEndpoint?
    /// The name of the command, where there was one.
    package var command: String?
    /// What lies behind it.
    package var cause: (any Error)?

    /// An error of these parts.
    package init(
        _ code: Code,
        _ message: String,
        endpoint: RedisEndpoint? = nil,
        command: String? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.endpoint = endpoint
        self.command = command
        self.cause = cause
    }

    /// The code of the error reply, if it was one.
    package var replyCode: RedisReplyCode? {
        if case .reply(let code) = code { code } else { nil }
    }

    /// A sentence for a log line.
    package var description: String {
        let place = endpoint.map { " at \($0)" } ?? ""
        let what = command.map { "\($0)\(place)" } ?? "Redis\(place)"
        return "\(what): \(message)"
    }
}
