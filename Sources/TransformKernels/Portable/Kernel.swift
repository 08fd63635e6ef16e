/// The transform's inner loops. This folder is compiled several times, once for each instruction set, into modules that differ in
/// nothing else; all that they offer is here, in terms that do not depend on the width of a vector.
///
/// A transform of length lanes² · q is a polynomial of complex coefficients modulo x^{lanes²·q} − i: the digits' first half its real
/// part, the second its imaginary part ("right-angle convolution": Crandall and Fagin 1994, Bernstein 2004). Memory is checked by the
/// caller, `DecimalArithmetic`.
package enum Kernel {
    /// Doubles that are worked on at once.
    package static var lanes: Int { laneCount }

    /// The bytes of one coefficient in every lane.
    package static var coefficientSize: Int { MemoryLayout<ComplexVector>.stride }

    /// Fills in the coefficients `lower ..< upper` of each of the `lanes` blocks and does the first levels of their transform.
    ///
    /// - Parameters:
    ///   - digits: `lanes² · blockLength` balanced digits, or twice as many with an imaginary part, and `lanes` more that
    ///     are read but do not matter.
    ///   - coefficients: `lanes` blocks of `blockLength` coefficients.
    ///   - levels: For each depth and lane, real parts then imaginary parts, the lanes' own factor.
    package static func load(
        digits: UnsafePointer<Int32>,
        hasImaginaryPart: Bool,
        coefficients: UnsafeMutableRawPointer,
        blockLength: Int,
        lower: Int,
        upper: Int,
        roots: UnsafePointer<Double>,
        levels: UnsafeRawPointer
    ) {
        DigitLoader(
            digits: digits,
            coefficients: coefficients.bindMemory(to: ComplexVector.self, capacity: laneCount * blockLength),
            tables: TwiddleTables(roots: roots, levels: levels),
            blockLength: blockLength,
            hasImaginaryPart: hasImaginaryPart
        ).load(lower, upper)
    }

    /// Transforms blocks of one or two numbers, forms products of them and transforms these back, up to the first levels.
    ///
    /// - Parameters:
    ///   - f: The first number's blocks; `g` the second's, or the first's once more if the operation takes only one.
    ///   - leafLength: What is left of a block after `levelCount` halvings.
    ///   - operation: A raw value of `Operation`.
    package static func multiply(
        f: UnsafeMutableRawPointer,
        g: UnsafeMutableRawPointer,
        leafLength: Int,
        levelCount: Int,
        blocks: Range<Int>,
        roots: UnsafePointer<Double>,
        levels: UnsafeRawPointer,
        operation: Int
    ) {
        guard let operation = Operation(rawValue: operation) else { return }
        let length = laneCount * leafLength << levelCount
        let f = f.bindMemory(to: ComplexVector.self, capacity: length)
        let g = g.bindMemory(to: ComplexVector.self, capacity: length)
        withUnsafeTemporaryAllocation(of: ComplexVector.self, capacity: 3 * leafLength) { buffer in
            guard let scratch = buffer.baseAddress else { return }
            let walk = BlockWalk(
                tables: TwiddleTables(roots: roots, levels: levels),
                leaves: LeafProducts(length: leafLength, operation: operation, scratch: scratch),
                hasTwoFactors: operation != .square
            )
            let depth = laneCount.trailingZeroBitCount
            for block in blocks {
                let offset = block * (leafLength << levelCount)
                walk.visit(f + offset, g + offset, depth: depth, node: block, levels: levelCount)
            }
        }
    }

    /// Does the last levels of the way back and writes the digits.
    ///
    /// - Parameter carries: `2 · lanes²` numbers; see `DigitStorer`.
    /// - Returns: The largest distance of a coefficient from an integer, and the largest magnitude of one.
    package static func store(
        coefficients: UnsafeRawPointer,
        digits: UnsafeMutablePointer<Int32>,
        blockLength: Int,
        lower: Int,
        upper: Int,
        scale: Double,
        base: Double,
        roots: UnsafePointer<Double>,
        levels: UnsafeRawPointer,
        carries: UnsafeMutablePointer<Int64>
    ) -> (error: Double, magnitude: Double) {
        DigitStorer(
            coefficients: coefficients.bindMemory(to: ComplexVector.self, capacity: laneCount * blockLength),
            digits: digits,
            tables: TwiddleTables(roots: roots, levels: levels),
            blockLength: blockLength,
            scale: scale,
            base: base
        ).store(lower, upper, carries: carries)
    }

    /// Writes limbs of eighteen decimal digits, least significant first, as ASCII, most significant first, ending before `end`.
    package static func writeText(
        limbs: UnsafePointer<UInt64>,
        count: Int,
        endingAt end: UnsafeMutableRawPointer
    ) {
        LimbText.write(limbs, count, endingAt: end)
    }
}
