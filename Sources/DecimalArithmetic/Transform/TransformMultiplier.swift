/// Two numbers f and g in a base of 10^exponent with balanced digits, and the memory for their products by a floating-point transform.
///
/// Digits between −base/2 and base/2 make sums of their products grow like random walks, and rounding errors with them.
package final class TransformMultiplier {
    /// What is computed of f and g. The raw values are those of the kernels.
    package enum Operation: Int, Sendable {
        /// f·g becomes f.
        case product = 0
        /// f² becomes f.
        case square = 1
        /// f·(f + 2g) becomes f and f·(2f − g) becomes g.
        case doubling = 2
        /// f·(2f − g) becomes f and g·(2f − g) becomes g.
        case doublingMinusOne = 3
        /// f·(f + 2g) becomes f.
        case lastDoubling = 4
        /// f·(2f − g) becomes f.
        case lastDoublingMinusOne = 5

        var takesTwo: Bool { self != .square }
        var givesTwo: Bool { self == .doubling || self == .doublingMinusOne }
    }

    /// An operation, and what is added to its results.
    package struct Step: Sendable {
        let operation: Operation
        let correction: (f: Int, g: Int)

        package init(_ operation: Operation, plus correction: (f: Int, g: Int) = (0, 0)) {
            self.operation = operation
            self.correction = correction
        }
    }

    /// A distance from the nearest integer from which a coefficient is not trusted. Errors have a bell-shaped distribution: one that is
    /// taken for the wrong integer, and not seen here, would have to be larger than 0.625.
    static let maximumDistance = 0.375
    /// Beyond it doubles are too coarse to show a distance from an integer.
    static let maximumMagnitude = 0x1p50

    /// Handing out parts of a shorter transform takes longer than it saves: measured.
    static let smallestParallelLength = 1 << 16

    private let kernel: TransformKernel
    private let parallelism: Parallelism
    private let exponent: Int
    private let memory: WorkMemory
    /// How much of the memory the coefficients of f take; those of g follow.
    private let coefficientBytes: Int
    private var f: BalancedDigits
    private var g: BalancedDigits
    private let perturb: ((UnsafeMutableBufferPointer<Double>) -> Void)?

    /// The largest distance from an integer that was seen so far.
    package private(set) var largestDistance = 0.0

    /// Memory for results of up to `maximumDigits` decimal digits: about five bytes a digit.
    ///
    /// - Parameter perturb: Called with the transform of each product: tests change it, to see the change noticed.
    package init(
        maximumDigits: Int,
        exponent: Int,
        kernel: TransformKernel,
        parallelism: Parallelism = .none,
        perturb: ((UnsafeMutableBufferPointer<Double>) -> Void)? = nil
    ) {
        precondition(BalancedDigits.exponents.contains(exponent))
        self.exponent = exponent
        self.kernel = kernel
        self.parallelism = parallelism
        self.perturb = perturb
        // Each factor may begin one more digit, and a digit of half the base or more carries into the next.
        let digitCount = maximumDigits / exponent + 6
        let narrow = kernel.suited(toDigitCount: 0)
        let plan = TransformPlan(digitCount: digitCount, lanes: kernel.lanes)
        let narrowPlan = TransformPlan(digitCount: digitCount, lanes: narrow.lanes)
        let length = max(plan.length, narrowPlan.length)
        coefficientBytes = length * 2 * MemoryLayout<Double>.stride
        let capacity = 2 * length + 2 * kernel.lanes
        let digitBytes = (capacity * MemoryLayout<Int32>.stride + 63) & ~63
        memory = WorkMemory(byteCount: 2 * coefficientBytes + 2 * digitBytes)
        f = BalancedDigits(memory.base + 2 * coefficientBytes, capacity: capacity, exponent: exponent)
        g = BalancedDigits(memory.base + 2 * coefficientBytes + digitBytes, capacity: capacity, exponent: exponent)
    }

    /// Takes f and g.
    package func load(_ first: DecimalNatural, _ second: DecimalNatural) {
        f.load(first)
        g.load(second)
    }

    /// Takes f.
    package func load(_ number: DecimalNatural) {
        f.load(number)
    }

    /// The number f, or a fault if it is negative, as only a faulty product can be.
    package func result() -> Result<DecimalNatural, TransformFault> {
        guard let value = f.natural() else { return .failure(fault(.overflow)) }
        return .success(value)
    }

    /// Carries a step out, with a transform just long enough for its result.
    ///
    /// - Parameter checkpoint: Called every so often with the part of the work that is done.
    /// - Returns: Why the result cannot be trusted, if it cannot; both numbers are lost then.
    /// - Throws: What `checkpoint` throws; both numbers are lost then, too.
    /// - Complexity: O(n log n) in the number of digits.
    package func perform<Stop: Error>(
        _ step: Step,
        checkpoint: (Double) throws(Stop) -> Void
    ) throws(Stop) -> TransformFault? {
        let operation = step.operation
        let digitCount = operation == .product ? f.count + g.count : 2 * max(f.count, operation.takesTwo ? g.count : 0)
        let kernel = kernel.suited(toDigitCount: digitCount)
        // One more, because the last digit may be half the base or more, and the one behind it is a carry then.
        let plan = TransformPlan(digitCount: digitCount + 1, lanes: kernel.lanes)
        let transform = Transform(
            plan: plan,
            kernel: kernel,
            roots: RootTable.table(count: plan.rootCount),
            parallelism: plan.length < Self.smallestParallelLength ? .none : parallelism
        )
        let (first, second) = (memory.base, memory.base + coefficientBytes)
        try checkpoint(0)
        transform.load(f, into: first)
        if operation.takesTwo { transform.load(g, into: second) }
        try transform.multiply(first, operation.takesTwo ? second : first, operation) { part throws(Stop) in
            try checkpoint(0.2 + 0.5 * part)
        }
        if let perturb {
            let count = 2 * plan.length
            perturb(UnsafeMutableBufferPointer(start: first.bindMemory(to: Double.self, capacity: count), count: count))
        }
        if let reason = store(transform, from: first, into: &f, plus: step.correction.f) { return fault(reason) }
        guard operation.givesTwo else { return nil }
        try checkpoint(0.85)
        return store(transform, from: second, into: &g, plus: step.correction.g).map { fault($0) }
    }

    private func store(
        _ transform: Transform,
        from coefficients: UnsafeMutableRawPointer,
        into number: inout BalancedDigits,
        plus correction: Int
    ) -> TransformFault.Reason? {
        let outcome = transform.store(coefficients, into: &number, plus: correction)
        largestDistance = max(largestDistance, outcome.distance)
        guard outcome.distance < Self.maximumDistance else { return .rounding(distance: outcome.distance) }
        guard outcome.magnitude < Self.maximumMagnitude else { return .magnitude(outcome.magnitude) }
        return outcome.fits ? nil : .overflow
    }

    private func fault(_ reason: TransformFault.Reason) -> TransformFault {
        TransformFault(reason: reason, exponent: exponent)
    }
}

extension TransformMultiplier {
    /// The base that products of so many decimal digits take at first: 10 to this power.
    ///
    /// The rounding error of a coefficient grows with the square of the base, with the root of the number of digits and with that of
    /// its logarithm. Standard deviations that were measured with the kernel that rounds most: 0.05 at two million digits in base 10^6, 0.0024
    /// at twenty million and 0.009 at two hundred million in base 10^5. At these limits `maximumDistance` is six of them and more.
    package static func exponent(forDigitCount digitCount: Int) -> Int {
        switch digitCount {
        case ...2_600_000: 6
        case ...5_000_000_000: 5
        default: 4
        }
    }

    /// The smallest base: 10 to this power. No product that memory can hold has rounding errors there.
    package static var smallestExponent: Int { BalancedDigits.exponents.lowerBound }
}
