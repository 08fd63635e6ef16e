internal import DecimalArithmetic

extension Fibonacci {
    /// F(n) modulo the prime 2^61 − 1 (`checkModulus`), without computing F(n).
    ///
    /// Fast doubling on residues, with
    ///
    ///     F(2k) = F(k)·(F(k) + 2F(k−1))      F(2k−1) = F(k)² + F(k−1)²
    ///
    /// It shares neither code nor representation with `value(at:checkpoint:)`, so an error in one does not hide in the
    /// other.
    ///
    /// - Precondition: `n ≥ 0`.
    /// - Complexity: O(log n), a few nanoseconds a bit.
    public static func residue(at n: Int) -> UInt64 {
        precondition(n >= 0, "n must not be negative")
        // The leading bits of n, as many as the table takes.
        var bit = 0
        while n >> bit > SmallNumbers.maximumIndex { bit += 1 }
        var (current, previous) = SmallNumbers.table.residues(at: n >> bit)
        while bit > 0 {
            bit -= 1
            let sum = Mersenne61.add(current, Mersenne61.add(previous, previous))
            let even = Mersenne61.multiply(current, sum)
            let odd = Mersenne61.add(
                Mersenne61.multiply(current, current),
                Mersenne61.multiply(previous, previous)
            )
            (current, previous) = n >> bit & 1 == 1 ? (Mersenne61.add(even, odd), even) : (even, odd)
        }
        return current
    }
}
