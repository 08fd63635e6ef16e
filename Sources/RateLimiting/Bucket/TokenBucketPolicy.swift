/// How much a client may spend: `budget` tokens at once, and `budget` tokens in each `window`, evenly spread.
package struct TokenBucketPolicy: Sendable, Hashable {
    /// Budgets that are accepted. A fraction of a microsecond is counted in parts of 1/budget, and two such counts fit 32 bits.
    package static let budgets = 1...1_000_000_000
    /// Windows that are accepted, in seconds: up to a year.
    package static let windows = 1...31_536_000

    /// Tokens in a full bucket.
    package let budget: Int
    /// Seconds in which an empty bucket fills.
    package let window: Int

    /// A policy.
    ///
    /// - Throws: which of the two is out of its range.
    package init(budget: Int, window: Int) throws(TokenBucketPolicyError) {
        guard Self.budgets.contains(budget) else {
            throw TokenBucketPolicyError(name: "budget", value: budget, range: Self.budgets, unit: "tokens")
        }
        guard Self.windows.contains(window) else {
            throw TokenBucketPolicyError(name: "window", value: window, range: Self.windows, unit: "seconds")
        }
        self.budget = budget
        self.window = window
    }

    private init(unchecked budget: Int, window: Int) {
        self.budget = budget
        self.window = window
    }

    /// One of `count` equal parts of the budget, at least a token, in the same window.
    package func share(of count: Int) -> TokenBucketPolicy {
        TokenBucketPolicy(unchecked: max(1, budget / max(1, count)), window: window)
    }

    /// The window in microseconds.
    var windowMicroseconds: Int64 { Int64(window) * 1_000_000 }

    /// How long the bucket takes to earn `cost` tokens: cost · window / budget, exactly.
    ///
    /// - Parameter cost: at most the budget; the quotient then is at most the window and cannot overflow.
    func time(toEarn cost: Int) -> BucketTime {
        let product = UInt64(cost).multipliedFullWidth(by: UInt64(windowMicroseconds))
        let (quotient, remainder) = UInt64(budget).dividingFullWidth(product)
        return BucketTime(microseconds: Int64(quotient), fraction: UInt32(remainder))
    }
}

/// A budget or a window that no bucket can have.
package struct TokenBucketPolicyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `budget` or `window`.
    package let name: String
    /// What it was to be.
    package let value: Int
    /// What it may be.
    package let range: ClosedRange<Int>
    let unit: String

    /// A sentence that says what is expected.
    package var description: String {
        "the \(name) of a rate limit is \(range.lowerBound) to \(range.upperBound) \(unit), not \(value)"
    }
}
