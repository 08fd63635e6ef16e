extension Fibonacci {
    /// How many doubling steps `value(at:checkpoint:)` takes, and so how often it calls its checkpoint.
    ///
    /// - Precondition: `n ≥ 0`.
    public static func doublingSteps(at n: Int) -> Int {
        precondition(n >= 0, "n must not be negative")
        var steps = 0
        while n >> steps > maximumSmallIndex { steps += 1 }
        return steps
    }
}
