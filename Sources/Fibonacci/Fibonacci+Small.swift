extension Fibonacci {
    /// The largest index whose number fits 128 bits.
    public static let maximumSmallIndex = 186

    /// F(n) in a double word.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumSmallIndex`.
    /// - Complexity: O(n) additions, some ten nanoseconds.
    public static func small(_ n: Int) -> UInt128 {
        precondition(n >= 0, "n must not be negative")
        precondition(n <= maximumSmallIndex, "F(n) must fit 128 bits")
        var (current, previous): (UInt128, UInt128) = (0, 1)
        for _ in 0..<n { (current, previous) = (current &+ previous, current) }
        return current
    }
}
