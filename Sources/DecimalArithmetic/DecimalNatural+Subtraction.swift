extension DecimalNatural {
    /// The difference of two numbers.
    ///
    /// - Precondition: `left ≥ right`. Where that is not known, use `subtracting(_:)`.
    /// - Complexity: O(n) for the length n of `left`.
    public static func - (left: DecimalNatural, right: DecimalNatural) -> DecimalNatural {
        var difference = left
        difference -= right
        return difference
    }

    /// Subtracts a number in place; memory is allocated only if `left` is shared.
    ///
    /// - Precondition: `left ≥ right`. Where that is not known, use `subtracting(_:)`.
    /// - Complexity: O(n) for the length n of `left`.
    public static func -= (left: inout DecimalNatural, right: DecimalNatural) {
        precondition(left.limbs.count >= right.limbs.count, "the difference is not a natural number")
        let borrow = left.limbs.withUnsafeMutableBufferPointer { target in
            right.limbs.withUnsafeBufferPointer { LimbArithmetic.subtract($0, from: target) }
        }
        precondition(borrow == 0, "the difference is not a natural number")
        while left.limbs.last == 0 { left.limbs.removeLast() }
    }

    /// The difference of two numbers, or nil where it is not a natural number.
    ///
    /// - Complexity: O(n).
    public func subtracting(_ other: DecimalNatural) -> DecimalNatural? {
        self < other ? nil : self - other
    }
}
