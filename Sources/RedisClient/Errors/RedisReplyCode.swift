package import RESP

/// What an error reply means; servers say it with its first word.
package enum RedisReplyCode: Sendable, Hashable {
    /// `READONLY`: a write reached a replica.
    case readOnly
    /// `LOADING`: the server reads its data from disk.
    case loading
    /// `MASTERDOWN`: a replica has lost its master and serves no old data.
    case masterDown
    /// `OOM`: memory is full and nothing may be evicted.
    case outOfMemory
    /// `MISCONF`: the server cannot save its data, and refuses to change them.
    case cannotSave
    /// `NOREPLICAS`: too few replicas are connected for writes.
    case tooFewReplicas
    /// `CLUSTERDOWN`: the cluster does not serve this slot, or nothing.
    case clusterDown
    /// `NOSCRIPT`: the server does not know the script of an `EVALSHA`.
    case noScript
    /// `WRONGTYPE`: the key holds another kind of value.
    case wrongType
    /// `NOAUTH`: a password is needed.
    case authenticationRequired
    /// `WRONGPASS`: user or password are wrong.
    case wrongPassword
    /// `NOPERM`: the user may not do this.
    case noPermission
    /// `MOVED`: the slot belongs to another node for good.
    case moved(slot: Int, location: String)
    /// `ASK`: the slot is on its way to another node, and this key may be there already.
    case ask(slot: Int, location: String)
    /// `TRYAGAIN`: keys of one command are on both sides of a slot's move.
    case tryAgain
    /// `CROSSSLOT`: the keys of one command are in different slots.
    case crossSlot
    /// `BUSY`: a script holds the server.
    case busy
    /// Any other first word.
    case other(String)

    /// The meaning of an error reply.
    package init(_ error: RESPError) {
        switch error.prefix {
        case "READONLY": self = .readOnly
        case "LOADING": self = .loading
        case "MASTERDOWN": self = .masterDown
        case "OOM": self = .outOfMemory
        case "MISCONF": self = .cannotSave
        case "NOREPLICAS": self = .tooFewReplicas
        case "CLUSTERDOWN": self = .clusterDown
        case "NOSCRIPT": self = .noScript
        case "WRONGTYPE": self = .wrongType
        case "NOAUTH": self = .authenticationRequired
        case "WRONGPASS": self = .wrongPassword
        case "NOPERM": self = .noPermission
        case "TRYAGAIN": self = .tryAgain
        case "CROSSSLOT": self = .crossSlot
        case "BUSY": self = .busy
        case "MOVED": self = Self.redirection(error, RedisReplyCode.moved)
        case "ASK": self = Self.redirection(error, RedisReplyCode.ask)
        default: self = .other(error.prefix)
        }
    }

    private static func redirection(
        _ error: RESPError,
        _ make: (_ slot: Int, _ location: String) -> RedisReplyCode
    ) -> RedisReplyCode {
        let words = error.message.split(separator: " ")
        guard words.count >= 2, let slot = Int(words[0]), (0..<HashSlot.count).contains(slot) else {
            return .other(error.prefix)
        }
        return make(slot, String(words[1]))
    }

    /// Whether the server as a whole cannot serve now, a `PING` included.
    package var meansUnavailable: Bool {
        switch self {
        case .loading, .masterDown, .busy, .authenticationRequired: true
        default: false
        }
    }

    /// Whether reads are served, but writes are not.
    package var refusesWrites: Bool {
        switch self {
        case .readOnly, .outOfMemory, .cannotSave, .tooFewReplicas: true
        default: false
        }
    }

    /// Whether another connection may reach a server that is better: the name may lead elsewhere by now.
    package var callsForReconnect: Bool {
        switch self {
        case .readOnly, .masterDown, .authenticationRequired: true
        default: false
        }
    }
}
