/// Why a connection cannot go on.
package enum RESPConnectionFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server refused a step of the handshake.
    case handshakeRefused(step: String, RESPError)
    /// The handshake took too long.
    case handshakeTimeout
    /// A reply came that answers nothing.
    case unsolicitedReply
    /// What came is no reply.
    case malformedReply(RESPDecodingError)
    /// Replies are owed, and nothing has come for too long.
    case peerSilent
    /// It was closed while replies were owed, and they did not come in time.
    case closeTimeout

    /// A sentence for a log line; it holds nothing that was sent.
    package var description: String {
        switch self {
        case .handshakeRefused(let step, let error): "the server refused \(step): \(error)"
        case .handshakeTimeout: "the server did not answer the handshake in time"
        case .unsolicitedReply: "the server sent a reply to no command"
        case .malformedReply(let error): error.description
        case .peerSilent: "the server owes replies and has sent nothing for too long"
        case .closeTimeout: "the replies that were owed at closing did not come in time"
        }
    }
}
