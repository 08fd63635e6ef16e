/// How a client stands with its server.
package struct RedisState: Sendable, Hashable, CustomStringConvertible {
    /// From nothing known to nothing works.
    package enum Level: String, Sendable, Hashable {
        /// No attempt has ended yet.
        case starting
        /// Reads and writes are served.
        case connected
        /// Reads are served; writes, or a part of a cluster, are not.
        case degraded
        /// Nothing is served.
        case down
    }

    /// How well it stands.
    package var level: Level
    /// Why it does not stand better.
    package var reason: String?

    /// A state.
    package init(_ level: Level, reason: String? = nil) {
        self.level = level
        self.reason = reason
    }

    /// The level and the reason.
    package var description: String {
        reason.map { "\(level.rawValue): \($0)" } ?? level.rawValue
    }
}
