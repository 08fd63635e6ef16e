/// Products of equally long operands in time O(n^1.585): three half-size products in place of four.
///
/// Karatsuba and Ofman, "Multiplication of multidigit numbers on automata", Soviet Physics Doklady 7 (1963), in the
/// subtractive form (Knuth, TAOCP 2, §4.3.3): with a = a₁X + a₀ and b = b₁X + b₀,
///
///     a·b = a₁b₁·X² + (a₀b₀ + a₁b₁ − (a₀ − a₁)(b₀ − b₁))·X + a₀b₀
///
/// The differences are kept as magnitude and sign. They fit a half, as the sums of the additive form do not.
enum Karatsuba {
    /// The limbs of work space that operands of `count` limbs need, recursion included.
    static func workspaceCount(_ count: Int) -> Int {
        // Each level takes 2⌈n/2⌉ and halves n; rounding up costs at most two limbs a level.
        2 * (count + Int.bitWidth)
    }

    /// Writes `a · b`.
    /// - Precondition: `2 ≤ a.count == b.count`; `product` holds `2 · a.count` limbs, `workspace` at least
    ///   `workspaceCount(a.count)`; nothing overlaps.
    static func multiply(_ a: LimbSource, _ b: LimbSource, into product: LimbTarget, workspace: LimbTarget) {
        let half = (a.count + 1) / 2
        let (a0, a1) = (a.extracting(..<half), a.extracting(half...))
        let (b0, b1) = (b.extracting(..<half), b.extracting(half...))
        let middle = workspace.extracting(..<(2 * half))
        let rest = workspace.extracting((2 * half)...)

        // The place of the low product is free until it is formed, and holds the differences until then.
        let (left, right) = (product.extracting(..<half), product.extracting(half..<(2 * half)))
        let leftIsNegative = LimbArithmetic.absoluteDifference(a0, a1, into: left)
        let rightIsNegative = LimbArithmetic.absoluteDifference(b0, b1, into: right)
        Multiplication.balanced(LimbSource(left), LimbSource(right), into: middle, workspace: rest)
        Multiplication.balanced(a0, b0, into: product.extracting(..<(2 * half)), workspace: rest)
        Multiplication.balanced(a1, b1, into: product.extracting((2 * half)...), workspace: rest)

        let carry =
            leftIsNegative == rightIsNegative
            ? subtractingCombine(middle, with: product, half: half)
            : addingCombine(middle, with: product, half: half)
        add(middle, carry: carry, to: product, at: half)
    }

    /// Writes `a²`, for which the middle term is always subtracted.
    /// - Precondition: as for `multiply`.
    static func square(_ a: LimbSource, into square: LimbTarget, workspace: LimbTarget) {
        let half = (a.count + 1) / 2
        let (a0, a1) = (a.extracting(..<half), a.extracting(half...))
        let middle = workspace.extracting(..<(2 * half))
        let rest = workspace.extracting((2 * half)...)

        let difference = square.extracting(..<half)
        _ = LimbArithmetic.absoluteDifference(a0, a1, into: difference)
        Multiplication.square(LimbSource(difference), into: middle, workspace: rest)
        Multiplication.square(a0, into: square.extracting(..<(2 * half)), workspace: rest)
        Multiplication.square(a1, into: square.extracting((2 * half)...), workspace: rest)

        let carry = subtractingCombine(middle, with: square, half: half)
        add(middle, carry: carry, to: square, at: half)
    }

    /// Replaces m by a₀b₀ + a₁b₁ − m, which is never negative, and gives the carry out of its last limb, 0 or 1.
    private static func subtractingCombine(_ middle: LimbTarget, with product: LimbTarget, half: Int) -> Limb {
        let radix = Int64(DecimalBase.radix)
        let low = product.extracting(..<(2 * half))
        let high = product.extracting((2 * half)...)
        var carry: Int64 = 0
        var i = 0
        while i < middle.count {
            let upper = i < high.count ? high[i] : 0
            var sum = Int64(bitPattern: low[i] &+ upper &- middle[i]) &+ carry
            let isNegative = sum < 0
            let overflows = sum >= radix
            sum &+= isNegative ? radix : 0
            sum &-= overflows ? radix : 0
            carry = (overflows ? 1 : 0) &- (isNegative ? 1 : 0)
            middle[i] = Limb(bitPattern: sum)
            i &+= 1
        }
        assert(carry >= 0)
        return Limb(bitPattern: carry)
    }

    /// Replaces m by a₀b₀ + a₁b₁ + m and gives the carry out of its last limb, 0 to 2.
    private static func addingCombine(_ middle: LimbTarget, with product: LimbTarget, half: Int) -> Limb {
        let low = product.extracting(..<(2 * half))
        let high = product.extracting((2 * half)...)
        var carry: Limb = 0
        var i = 0
        while i < middle.count {
            let upper = i < high.count ? high[i] : 0
            var sum = low[i] &+ upper &+ middle[i] &+ carry
            let overflowsTwice = sum >= 2 &* DecimalBase.radix
            let overflows = sum >= DecimalBase.radix
            carry = (overflows ? 1 : 0) &+ (overflowsTwice ? 1 : 0)
            sum &-= overflows ? DecimalBase.radix : 0
            sum &-= overflowsTwice ? DecimalBase.radix : 0
            middle[i] = sum
            i &+= 1
        }
        return carry
    }

    /// Adds the middle term to the product, where the two outer ones stand already.
    private static func add(_ middle: LimbTarget, carry: Limb, to product: LimbTarget, at half: Int) {
        let target = product.extracting(half...)
        let overflow =
            LimbArithmetic.add(LimbSource(middle), to: target)
            &+ LimbArithmetic.add(carry, to: target, from: middle.count)
        assert(overflow == 0)
    }
}
