extension DecimalNatural {
    /// The product of two numbers.
    ///
    /// - Complexity: O(m·n) word products while the shorter operand is short, then O(m·n^0.585) for lengths m ≥ n
    ///   (`Karatsuba`), then O(m log m) (`TransformProduct`). Work space of a few times the result is allocated.
    public static func * (left: DecimalNatural, right: DecimalNatural) -> DecimalNatural {
        let (long, short) = left.limbs.count >= right.limbs.count ? (left, right) : (right, left)
        guard !short.isZero else { return .zero }
        if short.limbs.count >= TransformProduct.threshold, let product = TransformProduct.multiply(long, short) {
            return product
        }
        let workspaceCount = Multiplication.workspaceCount(long.limbs.count, short.limbs.count)
        return DecimalNatural(limbCount: long.limbs.count + short.limbs.count) { product in
            long.limbs.withUnsafeBufferPointer { a in
                short.limbs.withUnsafeBufferPointer { b in
                    withUnsafeTemporaryAllocation(of: Limb.self, capacity: workspaceCount) {
                        Multiplication.multiply(a, b, into: product, workspace: $0)
                    }
                }
            }
        }
    }

    /// Replaces a number by its product with another.
    public static func *= (left: inout DecimalNatural, right: DecimalNatural) {
        left = left * right
    }

    /// The square of the number, at about two thirds of the price of a product.
    ///
    /// - Complexity: O(n²) word products for few limbs, then O(n^1.585), then O(n log n).
    public func squared() -> DecimalNatural {
        guard !isZero else { return .zero }
        if limbs.count >= TransformProduct.threshold, let square = TransformProduct.square(self) { return square }
        let workspaceCount = Multiplication.squareWorkspaceCount(limbs.count)
        return DecimalNatural(limbCount: 2 * limbs.count) { square in
            limbs.withUnsafeBufferPointer { limbs in
                withUnsafeTemporaryAllocation(of: Limb.self, capacity: workspaceCount) {
                    Multiplication.square(limbs, into: square, workspace: $0)
                }
            }
        }
    }
}
