/// How a cluster stands, from how its masters stand.
enum ClusterHealth {
    /// - Parameters:
    ///   - masters: the state of each master that serves slots. One that has just been learned of does not count against the rest.
    ///   - uncoveredCount: how many slots nobody serves.
    static func state(masters: [RedisState], uncoveredCount: Int) -> RedisState {
        let known = masters.filter { $0.level != .starting }
        guard !known.isEmpty else { return RedisState(.starting) }
        let down = known.filter { $0.level == .down }
        if down.count == known.count { return RedisState(.down, reason: down.first?.reason) }
        if !down.isEmpty {
            let reason = down.first?.reason ?? ""
            return RedisState(.degraded, reason: "\(down.count) of \(masters.count) masters are down: \(reason)")
        }
        if uncoveredCount > 0 {
            return RedisState(.degraded, reason: "\(uncoveredCount) of \(HashSlot.count) slots are not served")
        }
        return known.first { $0.level == .degraded } ?? RedisState(.connected)
    }
}
