extension DecimalNatural {
    /// The sum of two numbers.
    ///
    /// - Complexity: O(n) for the longer operand's length n.
    public static func + (left: DecimalNatural, right: DecimalNatural) -> DecimalNatural {
        var sum = left
        sum += right
        return sum
    }

    /// Adds a number in place. Memory is allocated only if the sum is longer than `left`, or `left` is shared.
    ///
    /// - Complexity: O(n) for the longer operand's length n.
    public static func += (left: inout DecimalNatural, right: DecimalNatural) {
        let grown = right.limbs.count - left.limbs.count
        if grown > 0 {
            left.limbs.reserveCapacity(right.limbs.count + 1)
            left.limbs.append(contentsOf: repeatElement(0, count: grown))
        }
        let carry = left.limbs.withUnsafeMutableBufferPointer { target in
            right.limbs.withUnsafeBufferPointer { LimbArithmetic.add($0, to: target) }
        }
        if carry != 0 { left.limbs.append(carry) }
    }

    /// Replaces the number by its double. Memory is allocated only if the double is longer, or the number is shared.
    ///
    /// - Complexity: O(n).
    public mutating func double() {
        let carry = limbs.withUnsafeMutableBufferPointer { LimbArithmetic.double($0) }
        if carry != 0 { limbs.append(carry) }
    }
}
