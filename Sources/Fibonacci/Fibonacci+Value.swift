public import DecimalArithmetic

extension Fibonacci {
    /// The smallest index for which the transform is used. Measured: the times of both ways cross between 16 000 and 20 000 with
    /// AVX2, and the curves are flat there.
    package static let transformThreshold = 18_000

    /// F(n), exactly.
    ///
    /// The first thousand numbers come from a table, larger ones by fast doubling: with products of limbs, and from `transformThreshold` on
    /// by a floating-point transform. Each step doubles the index; the last one forms only the number that is asked for.
    ///
    /// A product with suspicious rounding errors is thrown away, and the computation begins again in a smaller base; if no base
    /// will do, with products of limbs, which do not round. The number as a whole is not checked here: see
    /// `verified(at:maximumAttempts:using:checkpoint:onFault:)`.
    ///
    /// - Parameters:
    ///   - n: The index.
    ///   - engine: How to compute it.
    ///   - checkpoint: Called every so often with the part of the work that is done, from 0 to 1. Throw from it to give the
    ///     computation up, for example because nobody waits for it any more.
    ///   - onFault: Called for each product that was thrown away.
    /// - Throws: What `checkpoint` throws.
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: O(d log d) for d digits. Besides the result, about five bytes a digit are allocated for working.
    public static func value<Stop: Error>(
        at n: Int,
        using engine: Engine = Engine(),
        checkpoint: (Double) throws(Stop) -> Void,
        onFault: (IntegrityFault) -> Void = { _ in }
    ) throws(Stop) -> DecimalNatural {
        try value(at: n, using: engine, caution: 0, checkpoint: checkpoint, onFault: onFault)
    }

    /// F(n), exactly, by the same means and without a way to give up.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: O(d log d) for d digits.
    public static func value(at n: Int) -> DecimalNatural {
        value(at: n) { _ in }
    }

    /// - Parameter caution: How much smaller than usual the base of the transform is: a power of ten.
    static func value<Stop: Error>(
        at n: Int,
        using engine: Engine,
        caution: Int,
        checkpoint: (Double) throws(Stop) -> Void,
        onFault: (IntegrityFault) -> Void
    ) throws(Stop) -> DecimalNatural {
        precondition(n >= 0, "n must not be negative")
        precondition(n <= maximumIndex, "n must be at most Fibonacci.maximumIndex")
        guard n > SmallNumbers.maximumIndex else { return SmallNumbers.table.value(at: n) }
        if n >= transformThreshold {
            let largest = TransformMultiplier.exponent(forDigitCount: digitCount(at: n)) - caution
            for exponent in stride(from: largest, through: TransformMultiplier.smallestExponent, by: -1) {
                var doubling = TransformDoubling(to: n, exponent: exponent, engine: engine)
                switch try doubling.run(checkpoint: checkpoint) {
                case .success(let value): return value
                case .failure(let fault):
                    onFault(IntegrityFault(index: n, attempt: 1 + largest - exponent, reason: .product("\(fault)")))
                }
            }
        }
        return try LimbDoubling.value(at: n, checkpoint: checkpoint)
    }
}
