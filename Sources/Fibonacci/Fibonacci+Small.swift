extension Fibonacci {
    /// The largest index whose number fits 128 bits.
    public static let maximumSmallIndex = 186

    /// F(n) in a double word.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumSmallIndex`.
    /// - Complexity: O(n) additions of words, some ten nanoseconds.
    public static func small(_ n: Int) -> UInt128 {
        precondition(n >= 0, "n must not be negative")
        precondition(n <= maximumSmallIndex, "F(n) must fit 128 bits")
        return pair(n).current
    }

    /// F(n) and F(n−1); F(−1) is 1, as the recurrence demands.
    ///
    /// Additions wait for each other, and so half of the way goes by iteration, on single words, and the rest by one
    /// doubling: F(2k) = F(k)·(F(k) + 2F(k−1)), F(2k−1) = F(k)² + F(k−1)².
    static func pair(_ n: Int) -> (current: UInt128, previous: UInt128) {
        var (word, previousWord): (UInt64, UInt64) = (0, 1)
        for _ in 0..<(n / 2) {
            (word, previousWord) = (word &+ previousWord, word)
        }
        let (f, g) = (UInt128(word), UInt128(previousWord))
        let (even, odd) = (f &* (f &+ 2 &* g), f &* f &+ g &* g)
        return n.isMultiple(of: 2) ? (even, odd) : (even &+ odd, even)
    }
}
