extension DecimalNatural: Comparable {
    /// Whether one number is less than another.
    ///
    /// - Complexity: O(n) for equal lengths, O(1) for different ones and nearly always.
    public static func < (left: DecimalNatural, right: DecimalNatural) -> Bool {
        if left.limbs.count != right.limbs.count { return left.limbs.count < right.limbs.count }
        return left.limbs.withUnsafeBufferPointer { a in
            right.limbs.withUnsafeBufferPointer { b in LimbArithmetic.isLess(a, b) }
        }
    }
}
