import RateLimiting

/// A token bucket as a textbook has it, in exact rational numbers: tokens are counted in parts of 1/window microseconds. The oracle.
struct RationalBucket {
    private let budget: Int128
    private let window: Int128
    private var level: Int128
    private var time: Int64

    init(_ policy: TokenBucketPolicy, now: Int64) {
        budget = Int128(policy.budget)
        window = Int128(policy.window) * 1_000_000
        level = budget * window
        time = now
    }

    var tokens: Int { Int(level / window) }

    /// Microseconds until there are so many parts.
    private func wait(for parts: Int128) -> Int64 {
        parts <= level ? 0 : Int64((parts - level + budget - 1) / budget)
    }

    func retryAfter(_ cost: Int) -> Int64 { wait(for: Int128(cost) * window) }
    var resetAfter: Int64 { wait(for: budget * window) }

    mutating func advance(to now: Int64) {
        guard now > time else { return }
        level = min(budget * window, level + budget * Int128(now - time))
        time = now
    }

    mutating func take(_ cost: Int) -> Bool {
        guard Int128(cost) * window <= level else { return false }
        level -= Int128(cost) * window
        return true
    }
}
