/// How long to wait between attempts to connect.
package struct BackoffPolicy: Sendable, Hashable {
    /// The longest first wait.
    package var base: Duration = .milliseconds(50)
    /// The longest wait of all.
    package var maximum: Duration = .seconds(2)
    /// How long a connection has to live for the waits to begin anew.
    package var stableAfter: Duration = .seconds(5)

    /// The defaults.
    package init() {}
}

/// The waits after attempts that failed in a row: each limit is twice the one before, and a wait is a random half to whole of
/// its limit, so that clients that lost a server together do not come back together.
package struct Backoff: Sendable {
    private let policy: BackoffPolicy
    private var attempts = 0

    /// No attempt has failed yet.
    package init(policy: BackoffPolicy) {
        self.policy = policy
    }

    /// The wait after one more failure.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let limit = min(policy.base * (1 << min(attempts, 20)), policy.maximum)
        attempts += 1
        return limit * Double.random(in: 0.5...1, using: &generator)
    }

    /// A connection held: the next wait is a first one.
    package mutating func reset() {
        attempts = 0
    }
}
