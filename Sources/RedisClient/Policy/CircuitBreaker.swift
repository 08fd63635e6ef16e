package import NIOCore

/// When to stop asking a server that fails, and when to look whether it is well again.
package struct CircuitBreakerPolicy: Sendable, Hashable {
    /// As many failures in a row open the circuit.
    package var consecutiveFailures = 5
    /// As large a share of failures within the window opens it,
    package var failureShare = 0.5
    /// if there were at least so many calls in it.
    package var minimumVolume = 20
    /// How far back calls count.
    package var window: Duration = .seconds(10)
    /// How long the circuit stays open before the first probe.
    package var openDuration: Duration = .milliseconds(500)
    /// The longest time between probes; each that fails doubles the time to the next.
    package var maximumOpenDuration: Duration = .seconds(2)

    /// The defaults.
    package init() {}
}

/// Keeps calls from a server that fails, as a pure value: the time comes with each event.
///
/// While the circuit is open no call passes. A probe, of which there is one at a time, finds out whether to close it: callers
/// never wait for a server that is known to be ill.
package struct CircuitBreaker: Sendable {
    /// Where the circuit stands.
    package enum State: Sendable, Hashable {
        /// Calls pass.
        case closed
        /// No calls pass; a probe is due at this time.
        case open(until: NIODeadline)
        /// No calls pass; a probe is on its way.
        case halfOpen
    }

    private static let bucketCount = 10

    private struct Bucket {
        var index: Int64 = -1
        var calls = 0
        var failures = 0
    }

    private let policy: CircuitBreakerPolicy
    private var failuresInARow = 0
    /// Probes that failed, and that succeeded though calls failed again soon.
    private var failedProbes = 0
    private var closedAt: NIODeadline?
    private var buckets = [Bucket](repeating: Bucket(), count: Self.bucketCount)
    /// Where the circuit stands.
    package private(set) var state = State.closed

    /// A closed circuit without a past.
    package init(policy: CircuitBreakerPolicy) {
        self.policy = policy
    }

    /// Whether calls pass.
    package var isClosed: Bool { state == .closed }

    /// A call has ended. Those that began before the circuit opened and end after it change nothing.
    ///
    /// - Returns: whether this opened the circuit.
    package mutating func record(success: Bool, at now: NIODeadline) -> Bool {
        guard isClosed else { return false }
        count(success: success, at: now)
        failuresInARow = success ? 0 : failuresInARow + 1
        guard !success else { return false }
        let recent = totals(at: now)
        let tooMany =
            recent.calls >= policy.minimumVolume
            && Double(recent.failures) >= policy.failureShare * Double(recent.calls)
        guard failuresInARow >= policy.consecutiveFailures || tooMany else { return false }
        let isRelapse = closedAt.map { now < $0 + TimeAmount(policy.window) } ?? false
        failedProbes = isRelapse ? failedProbes + 1 : 0
        open(at: now)
        return true
    }

    /// Begins the probe if it is due.
    ///
    /// - Returns: whether to probe now.
    package mutating func beginProbe(at now: NIODeadline) -> Bool {
        guard case .open(let until) = state, until <= now else { return false }
        state = .halfOpen
        return true
    }

    /// The probe has ended, or a new connection has proved that the server serves.
    ///
    /// - Returns: whether the circuit is closed by it.
    package mutating func probeEnded(success: Bool, at now: NIODeadline) -> Bool {
        guard !isClosed else { return false }
        guard success else {
            failedProbes += 1
            open(at: now)
            return false
        }
        state = .closed
        failuresInARow = 0
        closedAt = now
        buckets = [Bucket](repeating: Bucket(), count: Self.bucketCount)
        return true
    }

    private mutating func open(at now: NIODeadline) {
        let wait = min(policy.openDuration * (1 << min(failedProbes, 20)), policy.maximumOpenDuration)
        state = .open(until: now + TimeAmount(wait))
    }

    private mutating func count(success: Bool, at now: NIODeadline) {
        let index = bucketIndex(at: now)
        let slot = Int(index % Int64(Self.bucketCount))
        if buckets[slot].index != index { buckets[slot] = Bucket(index: index) }
        buckets[slot].calls += 1
        if !success { buckets[slot].failures += 1 }
    }

    private func totals(at now: NIODeadline) -> (calls: Int, failures: Int) {
        let oldest = bucketIndex(at: now) - Int64(Self.bucketCount)
        return buckets.reduce(into: (0, 0)) { sum, bucket in
            guard bucket.index > oldest else { return }
            sum.0 += bucket.calls
            sum.1 += bucket.failures
        }
    }

    private func bucketIndex(at now: NIODeadline) -> Int64 {
        let width = max(1, TimeAmount(policy.window).nanoseconds / Int64(Self.bucketCount))
        return Int64(now.uptimeNanoseconds) / width
    }
}
