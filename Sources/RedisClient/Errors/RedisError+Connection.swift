internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RESP

extension RedisError {
    /// Why a connection could not go on, in the terms of calls.
    ///
    /// - Parameter password: cut out of what a server says.
    static func fault(_ fault: RESPConnectionFault, endpoint: RedisEndpoint, hiding password: RedisSecret?)
        -> RedisError
    {
        let message = password?.removed(from: fault.description) ?? fault.description
        let code: Code =
            switch fault {
            case .handshakeRefused(_, let error): refusalCode(error)
            case .handshakeTimeout: .connectFailed
            case .unsolicitedReply, .malformedReply: .protocolViolation
            case .peerSilent, .closeTimeout: .connectionClosed
            }
        return RedisError(code, message, endpoint: endpoint)
    }

    private static func refusalCode(_ error: RESPError) -> Code {
        if case .other = RedisReplyCode(error) { return .handshakeRefused }
        return .reply(RedisReplyCode(error))
    }

    /// An error of the socket or of TLS.
    static func transport(_ error: any Error, endpoint: RedisEndpoint) -> RedisError {
        if let error = error as? RedisError { return error }
        switch error {
        case let error as NIOConnectionError:
            let attempt = error.connectionErrors.last?.error ?? error.dnsAError ?? error.dnsAAAAError
            let reason = attempt.map { Self.reason(of: $0) } ?? "the name has no address"
            return RedisError(.connectFailed, "cannot connect: \(reason)", endpoint: endpoint, cause: error)
        case ChannelError.connectTimeout:
            return RedisError(.connectFailed, "cannot connect in time", endpoint: endpoint, cause: error)
        case NIOSSLError.uncleanShutdown, ChannelError.eof:
            return RedisError(.connectionClosed, "the server closed the connection", endpoint: endpoint, cause: error)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            return RedisError(.tls, "TLS failed: \(error)", endpoint: endpoint, cause: error)
        default:
            return RedisError(
                .connectionClosed,
                "the connection broke: \(reason(of: error))",
                endpoint: endpoint,
                cause: error
            )
        }
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as IOError: SystemErrorText.text(of: error.errnoCode)
        case ChannelError.connectTimeout: "no answer in time"
        default: "\(error)"
        }
    }
}
