/// The shape of a transform: lanes² · leafLength · 2^levelCount complex coefficients, and twice as many digits.
///
/// Leaves of any length up to fifteen give lengths between the powers of two, so that little is wasted on padding.
struct TransformPlan: Equatable {
    /// Blocks of the transform, as many as the kernel has lanes.
    let lanes: Int
    /// The length of the polynomials that are multiplied by the schoolbook.
    let leafLength: Int
    /// Halvings from a block to its leaves.
    let levelCount: Int

    /// Coefficients in a block.
    var blockLength: Int { leafLength << levelCount }
    /// Complex coefficients of the transform.
    var length: Int { lanes * lanes * blockLength }
    /// Digits of the product that it can hold.
    var digitCount: Int { 2 * length }
    /// How many roots of unity it takes.
    var rootCount: Int { max(1, lanes << (levelCount - 1)) }
    /// What the coefficients come back multiplied by.
    var gain: Double { Double(lanes * lanes << levelCount) }

    private static let leafLengths = 1...15

    /// The cheapest plan for products of up to `digitCount` digits.
    ///
    /// The price of a coefficient is linear in the number of levels and in the length of a leaf; the factors were fitted to measured
    /// times.
    init(digitCount: Int, lanes: Int) {
        self.lanes = lanes
        let blockLength = max(1, (digitCount + 2 * lanes * lanes - 1) / (2 * lanes * lanes))
        var best: (price: Double, leaf: Int, levels: Int) = (.infinity, 1, 0)
        for leaf in Self.leafLengths {
            var levels = 0
            while leaf << levels < blockLength { levels += 1 }
            let price = Double(leaf << levels) * (8 + Double(levels) + 0.67 * Double(leaf))
            if price < best.price { best = (price, leaf, levels) }
        }
        (leafLength, levelCount) = (best.leaf, best.levels)
    }
}
