/// Limbs that a kernel reads, least significant first.
package typealias LimbSource = UnsafeBufferPointer<Limb>

/// Limbs that a kernel writes, least significant first.
package typealias LimbTarget = UnsafeMutableBufferPointer<Limb>

/// Linear-time passes over limbs, the building blocks of everything above them.
///
/// Carries are computed by comparison and selection, never by a branch: the digits of a large number are as good as
/// random, and so a branch on them would be mispredicted half of the time.
package enum LimbArithmetic {
    /// Adds `b` to `a` in place and gives the carry out of the last limb, 0 or 1.
    /// - Precondition: `b.count ≤ a.count`.
    @discardableResult
    static func add(_ b: LimbSource, to a: LimbTarget) -> Limb {
        assert(b.count <= a.count)
        var carry: Limb = 0
        var i = 0
        while i < b.count {
            let sum = a[i] &+ b[i] &+ carry
            let overflows = sum >= DecimalBase.radix
            a[i] = overflows ? sum &- DecimalBase.radix : sum
            carry = overflows ? 1 : 0
            i &+= 1
        }
        return add(carry, to: a, from: i)
    }

    /// Adds one small number at limb `start` of `a` in place and gives the carry out of the last limb.
    /// - Precondition: `addend < 10^18`.
    @discardableResult
    package static func add(_ addend: Limb, to a: LimbTarget, from start: Int = 0) -> Limb {
        var carry = addend
        var i = start
        while carry != 0, i < a.count {
            let sum = a[i] &+ carry
            let overflows = sum >= DecimalBase.radix
            a[i] = overflows ? sum &- DecimalBase.radix : sum
            carry = overflows ? 1 : 0
            i &+= 1
        }
        return carry
    }

    /// Subtracts `b` from `a` in place and gives the borrow out of the last limb, 0 or 1.
    /// - Precondition: `b.count ≤ a.count`.
    @discardableResult
    static func subtract(_ b: LimbSource, from a: LimbTarget) -> Limb {
        assert(b.count <= a.count)
        var borrow: Limb = 0
        var i = 0
        while i < b.count {
            let difference = a[i] &- b[i] &- borrow
            // A wrapped difference has its top bit set; a proper one is below 10^18 < 2^63.
            borrow = difference >> 63
            a[i] = borrow != 0 ? difference &+ DecimalBase.radix : difference
            i &+= 1
        }
        return subtract(borrow, from: a, startingAt: i)
    }

    /// Subtracts one small number at limb `start` of `a` in place and gives the borrow out of the last limb.
    /// - Precondition: `subtrahend < 10^18`.
    @discardableResult
    package static func subtract(_ subtrahend: Limb, from a: LimbTarget, startingAt start: Int = 0) -> Limb {
        var borrow = subtrahend
        var i = start
        while borrow != 0, i < a.count {
            let difference = a[i] &- borrow
            borrow = difference >> 63
            a[i] = borrow != 0 ? difference &+ DecimalBase.radix : difference
            i &+= 1
        }
        return borrow
    }

    /// Writes `α·a + β·b + c`, in one pass whatever the factors; the result must not be negative.
    /// - Precondition: `a.count == b.count`, `sum` holds one limb more and is neither operand; the positive factors add
    ///   up to at most 5, the negative ones to at least −2, and |c| ≤ 2.
    package static func combine(
        _ alpha: Int64,
        _ a: LimbSource,
        _ beta: Int64,
        _ b: LimbSource,
        plus addend: Int64 = 0,
        into sum: LimbTarget
    ) {
        assert(a.count == b.count && sum.count == a.count + 1)
        // A multiple of the radix that makes every term positive: then the division is one of unsigned numbers.
        let bias: Int64 = 3
        let offset = bias &* Int64(DecimalBase.radix)
        var carry = addend
        var i = 0
        while i < a.count {
            let term = alpha &* Int64(bitPattern: a[i]) &+ beta &* Int64(bitPattern: b[i])
            let total = UInt64(bitPattern: term &+ offset &+ carry)
            let quotient = total / DecimalBase.radix
            sum[i] = total &- quotient &* DecimalBase.radix
            carry = Int64(bitPattern: quotient) &- bias
            i &+= 1
        }
        assert(carry >= 0)
        sum[i] = Limb(bitPattern: carry)
    }

    /// Doubles `a` in place and gives the carry out of the last limb, 0 or 1.
    static func double(_ a: LimbTarget) -> Limb {
        var carry: Limb = 0
        var i = 0
        while i < a.count {
            let sum = a[i] &+ a[i] &+ carry
            let overflows = sum >= DecimalBase.radix
            a[i] = overflows ? sum &- DecimalBase.radix : sum
            carry = overflows ? 1 : 0
            i &+= 1
        }
        return carry
    }

    /// Writes |a − b| and tells whether `a < b`. The shorter operand is taken to have leading zeros.
    /// - Precondition: `b.count ≤ a.count == difference.count`.
    static func absoluteDifference(_ a: LimbSource, _ b: LimbSource, into difference: LimbTarget) -> Bool {
        assert(b.count <= a.count && difference.count == a.count)
        if isLess(a, b) {
            // Then the limbs of `a` above those of `b` are all zero.
            _ = difference.update(fromContentsOf: b)
            difference.extracting(b.count...).update(repeating: 0)
            subtract(a.extracting(..<b.count), from: difference)
            return true
        }
        _ = difference.update(fromContentsOf: a)
        subtract(b, from: difference)
        return false
    }

    /// Whether `a < b`. The shorter operand is taken to have leading zeros.
    /// - Precondition: `b.count ≤ a.count`.
    static func isLess(_ a: LimbSource, _ b: LimbSource) -> Bool {
        var i = a.count
        while i > b.count {
            i &-= 1
            if a[i] != 0 { return false }
        }
        while i > 0 {
            i &-= 1
            if a[i] != b[i] { return a[i] < b[i] }
        }
        return false
    }
}
