internal import DecimalArithmetic

/// Fast doubling with products by the floating-point transform.
///
/// With f = F(k), g = F(k−1) a step forms two products, of sums that are formed on the transformed side, where they cost next to
/// nothing: two transforms there and two back. The factors are chosen so that sums have few and small terms, because rounding errors
/// grow with them.
///
///     F(2k)   = f·(f + 2g)
///     F(2k−1) = f·(2f − g) + (−1)^k
///     F(2k−2) = g·(2f − g)
///
/// The way to n goes through ⌈n/2^t⌉. The last step forms only F(n): two transforms there and one back.
struct TransformDoubling {
    /// The way begins at an index of at most this, with a pair that products of limbs give sooner. Measured, and flat from 3000 to
    /// 9000.
    private static let largestStart = 6_000

    private let index: Int
    private let multiplier: TransformMultiplier

    /// Sets the memory for F(n) aside.
    init(to n: Int, exponent: Int, engine: Engine) {
        index = n
        multiplier = TransformMultiplier(
            maximumDigits: Fibonacci.digitCount(at: n),
            exponent: exponent,
            kernel: engine.kernel,
            parallelism: engine.parallelism,
            perturb: engine.perturb
        )
    }

    /// F(n), or the product that could not be trusted.
    ///
    /// - Parameter checkpoint: Takes the part of the work that is done. A step costs about twice what the one before did.
    mutating func run<Stop: Error>(
        checkpoint: (Double) throws(Stop) -> Void
    ) throws(Stop) -> Result<DecimalNatural, TransformFault> {
        var stepsLeft = 0
        while index(stepsLeft) > Self.largestStart { stepsLeft += 1 }
        let start = LimbDoubling.pair(at: index(stepsLeft))
        multiplier.load(start.current, start.previous)
        while stepsLeft > 0 {
            let k = index(stepsLeft)
            stepsLeft -= 1
            let fault = try multiplier.perform(
                step(from: k, to: index(stepsLeft), isLast: stepsLeft == 0)
            ) { part throws(Stop) in try checkpoint(Self.progress(stepsLeft: stepsLeft, part: part)) }
            if let fault { return .failure(fault) }
        }
        return multiplier.result()
    }

    private func index(_ stepsLeft: Int) -> Int { (index + (1 << stepsLeft) - 1) >> stepsLeft }

    private func step(from k: Int, to next: Int, isLast: Bool) -> TransformMultiplier.Step {
        let sign = k.isMultiple(of: 2) ? 1 : -1
        return switch (next == 2 * k, isLast) {
        case (true, false): .init(.doubling, plus: (0, sign))
        case (true, true): .init(.lastDoubling)
        case (false, false): .init(.doublingMinusOne, plus: (sign, 0))
        case (false, true): .init(.lastDoublingMinusOne, plus: (sign, 0))
        }
    }

    /// The last step takes three transforms, and the one before four of half the size, and so on: of seven in all.
    private static func progress(stepsLeft: Int, part: Double) -> Double {
        if stepsLeft == 0 { return (4 + 3 * part) / 7 }
        let size = 4 / Double(1 << stepsLeft)
        return size * (1 + part) / 7
    }
}
