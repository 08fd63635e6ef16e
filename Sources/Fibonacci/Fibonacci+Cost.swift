extension Fibonacci {
    /// The digits of an answer that one token pays for, beyond the first token.
    public static let digitsPerToken = 10_000

    /// The price of F(n) in tokens: 1 + ⌊digits / 10 000⌋.
    ///
    /// The work of computing and sending a number grows hardly faster than its length, so tokens follow both. It is
    /// known before anything is computed.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: O(1).
    public static func cost(at n: Int) -> Int {
        1 + digitCount(at: n) / digitsPerToken
    }
}
