internal import NIOCore

/// What is known of a server's health, as a pure value.
struct HealthTracker: Sendable {
    /// How long writes count as refused after the last refusal, lest a server at its limit makes the state flap.
    static let refusalHold = TimeAmount.seconds(5)

    private var openConnections = 0
    private var failure: String?
    private var outage: String?
    private var clusterOutage: String?
    private var refusal: (reason: String, at: NIODeadline)?

    /// How the server stands.
    var state: RedisState {
        if openConnections == 0 {
            failure.map { RedisState(.down, reason: $0) } ?? RedisState(.starting)
        } else if let outage = outage ?? clusterOutage {
            RedisState(.down, reason: outage)
        } else if let refusal {
            RedisState(.degraded, reason: refusal.reason)
        } else {
            RedisState(.connected)
        }
    }

    mutating func connectionsChanged(open count: Int) {
        openConnections = count
    }

    /// A connection could not be made, or was lost.
    mutating func connectionFailed(_ reason: String) {
        failure = reason
    }

    /// The circuit opened because of this.
    mutating func circuitOpened(_ reason: String) {
        outage = reason
    }

    mutating func circuitClosed() {
        outage = nil
    }

    /// The server said that its cluster does not serve. A `PING` would not show it, so the circuit has no part in it.
    mutating func clusterWentDown(_ reason: String) {
        clusterOutage = reason
    }

    mutating func clusterServes() {
        clusterOutage = nil
    }

    /// A write was refused by a server that serves reads.
    mutating func writeRefused(_ reason: String, at now: NIODeadline) {
        refusal = (reason, now)
    }

    mutating func writeSucceeded(at now: NIODeadline) {
        if let refusal, refusal.at + Self.refusalHold <= now { self.refusal = nil }
    }
}
