public import DecimalArithmetic

extension Fibonacci {
    /// F(n), exactly.
    ///
    /// Fast doubling on the pair F(k), F(k−1), from a pair of double words on: each step doubles k, and takes two
    /// squarings. The last step forms only the number that is asked for, with one product.
    ///
    /// - Parameters:
    ///   - n: The index.
    ///   - checkpoint: Called before each doubling step. Throw from it to give the computation up, for example because
    ///     nobody waits for it any more.
    /// - Throws: What `checkpoint` throws.
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: That of a product of numbers with half as many digits as F(n), times a small constant. Besides the
    ///   result, one block of some four times its size is allocated.
    public static func value(at n: Int, checkpoint: () throws -> Void) rethrows -> DecimalNatural {
        precondition(n >= 0, "n must not be negative")
        precondition(n <= maximumIndex, "n must be at most Fibonacci.maximumIndex")
        guard n > maximumSmallIndex else { return DecimalNatural(small(n)) }

        // The leading bits of n up to the largest index that fits a double word.
        var stepsLeft = doublingSteps(at: n)
        let capacity = FastDoubling.Capacity(lastIndex: n / 2)
        return try withUnsafeTemporaryAllocation(of: Limb.self, capacity: capacity.total) { memory in
            var doubling = FastDoubling(startingAt: n >> stepsLeft, memory: memory, capacity: capacity)
            while stepsLeft > 1 {
                try checkpoint()
                stepsLeft -= 1
                doubling.step(plusOne: n >> stepsLeft & 1 == 1)
            }
            try checkpoint()
            return doubling.lastStep(plusOne: n & 1 == 1)
        }
    }

    /// F(n), exactly, by the same means and without a way to give up.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: That of a product of numbers with half as many digits as F(n), times a small constant.
    public static func value(at n: Int) -> DecimalNatural {
        value(at: n) {}
    }
}
