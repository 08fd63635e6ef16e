/// What calls read and connections write of a node.
struct RedisNodeState {
    var connections: [RedisConnection?]
    var breaker: CircuitBreaker
    var health = HealthTracker()
    var isStopped = false
    private var turn = 0

    init(connectionCount: Int, breaker: CircuitBreaker) {
        connections = Array(repeating: nil, count: connectionCount)
        self.breaker = breaker
    }

    var openCount: Int { connections.count { $0?.isOpen == true } }

    var inFlightCount: Int { connections.reduce(0) { $0 + ($1?.inFlightCount ?? 0) } }

    /// The connections in turn, without those that are closed.
    mutating func nextOpenConnection() -> RedisConnection? {
        for _ in connections.indices {
            turn = (turn + 1) % connections.count
            if let connection = connections[turn], connection.isOpen { return connection }
        }
        return nil
    }
}
