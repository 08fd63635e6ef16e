/// One transform: its shape, its tables and the ways there and back. The memory is the caller's.
struct Transform {
    let plan: TransformPlan
    let kernel: TransformKernel
    let roots: RootTable
    let parallelism: Parallelism

    /// What was seen of the coefficients on the way back.
    struct Outcome {
        /// The largest distance from an integer.
        var distance = 0.0
        /// The largest magnitude.
        var magnitude = 0.0
        /// Whether the digits did not run over their end.
        var fits = true
    }

    /// From digits to coefficients.
    func load(_ number: BalancedDigits, into coefficients: UnsafeMutableRawPointer) {
        precondition(number.count <= plan.digitCount && plan.rootCount <= roots.count)
        let hasImaginaryPart = number.count > plan.length
        number.clear(upTo: (hasImaginaryPart ? 2 : 1) * plan.length + kernel.lanes)
        forEachRange { range, _ in
            kernel.load(
                number.digits,
                hasImaginaryPart,
                coefficients,
                plan.blockLength,
                range.lowerBound,
                range.upperBound,
                roots.pointer,
                kernel.levels.pointer
            )
        }
    }

    /// The products of coefficients, by blocks, which do not depend on each other.
    func multiply<Stop: Error>(
        _ f: UnsafeMutableRawPointer,
        _ g: UnsafeMutableRawPointer,
        _ operation: TransformMultiplier.Operation,
        checkpoint: (Double) throws(Stop) -> Void
    ) throws(Stop) {
        let width = min(parallelism.width, plan.lanes)
        // Alone, it stops after each block; several threads only half way if at all, because they wait for each other there.
        let rounds = width == 1 ? plan.lanes : width <= plan.lanes / 2 ? 2 : 1
        for round in 0..<rounds {
            if round > 0 { try checkpoint(Double(round) / Double(rounds)) }
            let (first, count) = (plan.lanes * round / rounds, plan.lanes / rounds)
            let parts = min(width, count)
            parallelism.run(parts) { part in
                kernel.multiply(
                    f,
                    g,
                    plan.leafLength,
                    plan.levelCount,
                    (first + count * part / parts)..<(first + count * (part + 1) / parts),
                    roots.pointer,
                    kernel.levels.pointer,
                    operation.rawValue
                )
            }
        }
    }

    /// From coefficients to digits, with `correction` added. The digits are not to be used if the outcome is bad.
    func store(
        _ coefficients: UnsafeMutableRawPointer,
        into number: inout BalancedDigits,
        plus correction: Int
    ) -> Outcome {
        precondition(plan.digitCount <= number.capacity)
        let runs = 2 * plan.lanes * plan.lanes
        let parts = partCount
        let target = number
        var outcome = Outcome()
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: runs * parts) { carries in
            withUnsafeTemporaryAllocation(of: (error: Double, magnitude: Double).self, capacity: parts) { watches in
                guard let firstCarry = carries.baseAddress, let firstWatch = watches.baseAddress else { return }
                forEachRange { range, part in
                    let watch = kernel.store(
                        coefficients,
                        target.digits,
                        plan.blockLength,
                        range.lowerBound,
                        range.upperBound,
                        1 / plan.gain,
                        Double(target.base),
                        roots.pointer,
                        kernel.levels.pointer,
                        firstCarry + part * runs
                    )
                    (firstWatch + part).initialize(to: watch)
                }
                for watch in watches {
                    outcome.distance = max(outcome.distance, watch.error)
                    outcome.magnitude = max(outcome.magnitude, watch.magnitude)
                }
                // Beyond that the carries are worth nothing, and might be too large to be added.
                outcome.fits =
                    outcome.magnitude < TransformMultiplier.maximumMagnitude
                    && carry(UnsafeBufferPointer(carries), into: target, plus: correction)
            }
        }
        number.count = plan.digitCount
        number.trim()
        return outcome
    }

    /// Adds what each run of digits carried out of itself to the one behind it.
    private func carry(_ carries: UnsafeBufferPointer<Int64>, into number: BalancedDigits, plus correction: Int) -> Bool
    {
        let runs = 2 * plan.lanes * plan.lanes
        guard number.add(Int64(correction), at: 0, limit: plan.digitCount) else { return false }
        for part in 0..<partCount {
            let end = range(part).upperBound
            for run in 0..<runs {
                let position = run * plan.blockLength + end
                guard number.add(carries[part * runs + run], at: position, limit: plan.digitCount) else { return false }
            }
        }
        return true
    }

    /// Parts of the coefficients of every block, each worth a thread's while.
    private var partCount: Int { max(1, min(parallelism.width, plan.blockLength / 64)) }

    /// A part begins at a multiple of the lanes, and of a cache line's worth of digits.
    private func range(_ part: Int) -> Range<Int> {
        let (parts, groups) = (partCount, plan.blockLength / 16)
        let lower = groups * part / parts * 16
        return lower..<(part == parts - 1 ? plan.blockLength : groups * (part + 1) / parts * 16)
    }

    private func forEachRange(_ body: (Range<Int>, Int) -> Void) {
        parallelism.run(partCount) { body(range($0), $0) }
    }
}
