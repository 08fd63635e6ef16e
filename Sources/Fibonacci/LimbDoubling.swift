internal import DecimalArithmetic

/// Fast doubling with products of limbs: F(k) and F(k−1), on the way to larger k, in memory that is set aside once for the whole
/// computation.
///
/// The identities are those of the GMP manual, §15.7.4 "Fibonacci Numbers". A step takes two squarings:
///
///     F(2k+1) = 4F(k)² −  F(k−1)² + 2(−1)^k
///     F(2k)   = 3F(k)² − 2F(k−1)² + 2(−1)^k
///     F(2k−1) =  F(k)² +  F(k−1)²
///
/// and the last step one product:
///
///     F(2k+1) = (2F(k) + F(k−1))·(2F(k) − F(k−1)) + 2(−1)^k
///     F(2k)   = F(k)·(F(k) + 2F(k−1))
struct LimbDoubling {
    /// How much memory the numbers take, in limbs.
    struct Capacity {
        /// A pair's number, or the square of one of the pair before.
        let number: Int
        /// The multiplications' work space.
        let workspace: Int

        var total: Int { 4 * number + workspace }

        /// - Parameter lastIndex: The largest index to reach by `step(plusOne:)`.
        init(lastIndex: Int) {
            // A limb for every 18 / log₁₀φ = 86.13 indices, one begun, one that a sum may grow by, and one each because
            // two numbers of half the index may have begun another.
            number = lastIndex / 86 + 5
            workspace = max(
                Multiplication.workspaceCount(number, number - 1),
                Multiplication.workspaceCount(number, number),
                Multiplication.squareWorkspaceCount(number)
            )
        }
    }

    /// F(n).
    ///
    /// - Parameter checkpoint: Takes the part of the work that is done. A step costs about three times what the one before did.
    /// - Precondition: `n > SmallNumbers.maximumIndex`.
    static func value<Stop: Error>(at n: Int, checkpoint: (Double) throws(Stop) -> Void) throws(Stop) -> DecimalNatural
    {
        try withDoubling(to: n, lastIndex: n / 2) { (doubling, stepsLeft) throws(Stop) in
            while stepsLeft > 1 {
                try checkpoint(Self.progress(stepsLeft: stepsLeft))
                stepsLeft -= 1
                doubling.step(plusOne: n >> stepsLeft & 1 == 1)
            }
            try checkpoint(Self.progress(stepsLeft: stepsLeft))
            return doubling.lastStep(plusOne: n & 1 == 1)
        }
    }

    /// F(n) and F(n − 1).
    ///
    /// - Precondition: `n ≥ 1`.
    static func pair(at n: Int) -> (current: DecimalNatural, previous: DecimalNatural) {
        withDoubling(to: n, lastIndex: n) { doubling, stepsLeft in
            while stepsLeft > 0 {
                stepsLeft -= 1
                doubling.step(plusOne: n >> stepsLeft & 1 == 1)
            }
            return doubling.pair()
        }
    }

    /// Begins with the leading bits of n, up to the largest index in the table.
    private static func withDoubling<Output, Stop: Error>(
        to n: Int,
        lastIndex: Int,
        _ body: (inout LimbDoubling, inout Int) throws(Stop) -> Output
    ) throws(Stop) -> Output {
        var stepsLeft = 0
        while n >> stepsLeft > SmallNumbers.maximumIndex { stepsLeft += 1 }
        let capacity = Capacity(lastIndex: lastIndex)
        return try withUnsafeTemporaryAllocation(of: Limb.self, capacity: capacity.total) { memory throws(Stop) in
            var doubling = LimbDoubling(startingAt: n >> stepsLeft, memory: memory, capacity: capacity)
            return try body(&doubling, &stepsLeft)
        }
    }

    private static func progress(stepsLeft: Int) -> Double {
        var part = 1.0
        for _ in 0..<stepsLeft { part /= 3 }
        return part
    }

    private var index: Int
    /// The length that both numbers are given; F(k−1) may have a zero on top.
    private var count: Int
    private var current: LimbTarget
    private var previous: LimbTarget
    private let square: LimbTarget
    private let previousSquare: LimbTarget
    private let workspace: LimbTarget

    /// The pair at a small index.
    /// - Precondition: `1 ≤ index ≤ SmallNumbers.maximumIndex`.
    init(startingAt index: Int, memory: LimbTarget, capacity: Capacity) {
        self.index = index
        func number(_ i: Int) -> LimbTarget { memory.extracting((i * capacity.number)..<((i + 1) * capacity.number)) }
        (current, previous, square, previousSquare) = (number(0), number(1), number(2), number(3))
        workspace = memory.extracting((4 * capacity.number)...)

        count = SmallNumbers.table.writePair(at: index, current, previous)
    }

    /// Goes on from k to 2k, or to 2k + 1.
    mutating func step(plusOne: Bool) {
        let (a, b) = (square.extracting(..<(2 * count)), previousSquare.extracting(..<(2 * count)))
        Multiplication.square(LimbSource(current.extracting(..<count)), into: a, workspace: workspace)
        Multiplication.square(LimbSource(previous.extracting(..<count)), into: b, workspace: workspace)

        let (squares, previousSquares) = (LimbSource(a), LimbSource(b))
        count = 2 * count + 1
        let (upper, lower) = (current.extracting(..<count), previous.extracting(..<count))
        if plusOne {
            LimbArithmetic.combine(4, squares, -1, previousSquares, plus: correction, into: upper)
            LimbArithmetic.combine(3, squares, -2, previousSquares, plus: correction, into: lower)
        } else {
            LimbArithmetic.combine(3, squares, -2, previousSquares, plus: correction, into: upper)
            LimbArithmetic.combine(1, squares, 1, previousSquares, into: lower)
        }
        index = 2 * index + (plusOne ? 1 : 0)
        trim()
    }

    /// F(2k), or F(2k + 1).
    func lastStep(plusOne: Bool) -> DecimalNatural {
        let (f, g) = (LimbSource(current.extracting(..<count)), LimbSource(previous.extracting(..<count)))
        let (a, b) = (square.extracting(...count), previousSquare.extracting(...count))
        if plusOne {
            LimbArithmetic.combine(2, f, 1, g, into: a)
            LimbArithmetic.combine(2, f, -1, g, into: b)
        } else {
            LimbArithmetic.combine(1, f, 2, g, into: a)
        }
        let left = trimmed(a)
        let right = plusOne ? trimmed(b) : f
        return DecimalNatural(limbCount: left.count + right.count) { product in
            Multiplication.multiply(left, right, into: product, workspace: workspace)
            guard plusOne else { return }
            if correction > 0 {
                LimbArithmetic.add(2, to: product)
            } else {
                LimbArithmetic.subtract(2, from: product)
            }
        }
    }

    /// F(k) and F(k−1).
    func pair() -> (current: DecimalNatural, previous: DecimalNatural) {
        func number(_ limbs: LimbTarget) -> DecimalNatural {
            DecimalNatural(limbCount: count) { _ = $0.update(fromContentsOf: limbs.extracting(..<count)) }
        }
        return (number(current), number(previous))
    }

    /// 2(−1)^k.
    private var correction: Int64 { index.isMultiple(of: 2) ? 2 : -2 }

    private mutating func trim() {
        count = trimmed(current.extracting(..<count)).count
    }

    /// The limbs without the zeros on top.
    private func trimmed(_ limbs: LimbTarget) -> LimbSource {
        var count = limbs.count
        while count > 0, limbs[count - 1] == 0 { count -= 1 }
        return LimbSource(limbs.extracting(..<count))
    }
}
