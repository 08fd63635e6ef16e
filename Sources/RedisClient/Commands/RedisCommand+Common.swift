package import RESP

extension RedisCommand {
    /// `PING`: answers `PONG`.
    package static var ping: RedisCommand { RedisCommand("PING") }

    /// `GET`: the bytes at `key`, or null.
    package static func get(_ key: String) -> RedisCommand {
        RedisCommand("GET", [RESPArgument(key)], keys: 0..<1)
    }

    /// When a `SET` is to be done.
    package enum SetCondition: String, Sendable {
        /// Only where the key is not there.
        case ifAbsent = "NX"
        /// Only where the key is there.
        case ifPresent = "XX"
    }

    /// `SET`: answers `OK`, or null where the condition does not hold.
    ///
    /// - Parameter seconds: after how many seconds the key goes away, at least 1; nil: never.
    package static func set(
        _ key: String,
        _ value: RESPArgument,
        expiringAfter seconds: Int? = nil,
        _ condition: SetCondition? = nil
    ) -> RedisCommand {
        var arguments = [RESPArgument(key), value]
        if let condition { arguments.append(RESPArgument(condition.rawValue)) }
        if let seconds { arguments += ["EX", RESPArgument(seconds)] }
        return RedisCommand("SET", arguments, keys: 0..<1, isWrite: true)
    }

    /// `DEL`: answers how many keys there were.
    package static func delete(_ keys: String...) -> RedisCommand {
        RedisCommand("DEL", keys.map { RESPArgument($0) }, keys: 0..<keys.count, isWrite: true)
    }
}
