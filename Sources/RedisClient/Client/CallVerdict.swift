internal import RESP

/// What the outcome of a call says of the server.
struct CallVerdict {
    /// Whether the server serves; nil if the outcome does not tell.
    private(set) var isSuccess: Bool?
    /// Why it does not serve.
    private(set) var reason: String?
    /// Why it refused a write.
    private(set) var writeRefusal: String?
    /// Why its cluster does not serve.
    private(set) var clusterOutage: String?
    /// Whether it served a key.
    private(set) var hasServedKey = false
    /// Whether it took a write.
    private(set) var hasWritten = false
    /// Whether another connection may reach a better server.
    private(set) var callsForReconnect = false

    init(_ outcome: PendingCall.Outcome, of commands: [RedisCommand]) {
        switch outcome {
        case .success(let replies):
            isSuccess = true
            for (reply, command) in zip(replies, commands) { add(reply, to: command) }
        case .failure(let error):
            switch error.code {
            case .timeout, .connectionClosed, .protocolViolation, .tls:
                isSuccess = false
                reason = error.description
            default: break
            }
        }
    }

    private mutating func add(_ reply: RESPValue, to command: RedisCommand) {
        guard case .error(let error) = reply else {
            if command.isWrite { hasWritten = true }
            if !command.keyPositions.isEmpty { hasServedKey = true }
            return
        }
        let code = RedisReplyCode(error)
        if code.meansUnavailable {
            isSuccess = false
            reason = error.description
        }
        if code == .clusterDown { clusterOutage = error.description }
        if code.refusesWrites || command.isWrite && code == .noPermission { writeRefusal = error.description }
        if code.callsForReconnect { callsForReconnect = true }
    }
}
