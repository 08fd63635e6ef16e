/// A number in base 10^exponent with digits from about −base/2 to base/2, in memory of somebody else's.
struct BalancedDigits {
    /// The bases that there are: 10^2 … 10^6.
    static let exponents = 2...6

    private static func powerOfTen(_ exponent: Int) -> Int64 {
        var power: Int64 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    /// Least significant first.
    let digits: UnsafeMutablePointer<Int32>
    /// How many digits there is room for.
    let capacity: Int
    let exponent: Int
    /// 10^exponent.
    let base: Int64
    /// How many digits there are; the last one is not zero.
    var count = 0

    init(_ memory: UnsafeMutableRawPointer, capacity: Int, exponent: Int) {
        digits = memory.bindMemory(to: Int32.self, capacity: capacity)
        self.capacity = capacity
        self.exponent = exponent
        base = Self.powerOfTen(exponent)
    }

    /// Writes zeros from the last digit up to `end`.
    func clear(upTo end: Int) {
        precondition(end <= capacity)
        if end > count { (digits + count).update(repeating: 0, count: end - count) }
    }

    /// Forgets zeros at the end.
    mutating func trim() {
        while count > 0, digits[count - 1] == 0 { count -= 1 }
    }

    /// Adds a number at one digit, carrying on as far as it takes; false if that is beyond `limit` digits.
    func add(_ addend: Int64, at position: Int, limit: Int) -> Bool {
        var (carry, i) = (addend, position)
        let half = base / 2
        while carry != 0 {
            guard i < limit else { return false }
            let sum = Int64(digits[i]) + carry
            if -half <= sum, sum <= half {
                digits[i] = Int32(sum)
                return true
            }
            carry = (sum + (sum < 0 ? -half : half)) / base
            digits[i] = Int32(sum - carry * base)
            i += 1
        }
        return true
    }

    /// Takes the value of a number.
    mutating func load(_ number: DecimalNatural) {
        number.limbs.withUnsafeBufferPointer { limbs in
            let needed = (limbs.count * DecimalBase.digitsPerLimb + exponent - 1) / exponent + 1
            precondition(needed <= capacity)
            let base = UInt64(base)
            var (carry, position): (Int32, Int) = (0, 0)
            let half = Int32(base / 2)
            @inline(__always)
            func put(_ digit: UInt64) {
                let value = Int32(truncatingIfNeeded: digit) &+ carry
                let isLarge = value > half
                digits[position] = isLarge ? value &- Int32(truncatingIfNeeded: base) : value
                carry = isLarge ? 1 : 0
                position &+= 1
            }
            // Digits that are begun in one limb and end in the next.
            var (pending, pendingScale, pendingDigits): (UInt64, UInt64, Int) = (0, 1, 0)
            for limb in limbs {
                var (rest, left) = (limb, DecimalBase.digitsPerLimb)
                if pendingDigits > 0 {
                    let missing = exponent - pendingDigits
                    let scale = UInt64(Self.powerOfTen(missing))
                    put(pending &+ rest % scale &* pendingScale)
                    rest /= scale
                    left -= missing
                }
                while left >= exponent {
                    put(rest % base)
                    rest /= base
                    left -= exponent
                }
                (pending, pendingDigits) = (rest, left)
                pendingScale = UInt64(Self.powerOfTen(left))
            }
            if pendingDigits > 0 { put(pending) }
            put(0)
            count = position
        }
        trim()
    }

    /// The number, or nil if it is negative.
    func natural() -> DecimalNatural? {
        let limbCount = (count * exponent + DecimalBase.digitsPerLimb - 1) / DecimalBase.digitsPerLimb
        var isNegative = false
        let value = DecimalNatural(limbCount: max(1, limbCount)) { limbs in
            let filled =
                switch exponent {
                case 6: fillSixes(limbs)
                case 5: fillFives(limbs)
                default: fill(limbs, from: 0, borrow: 0)
                }
            isNegative = filled < 0
            if isNegative || limbCount == 0 { limbs.update(repeating: 0) }
        }
        return isNegative ? nil : value
    }

    /// Three digits a limb; returns the borrow from beyond the last one.
    private func fillSixes(_ limbs: LimbTarget) -> Int64 {
        var borrow: Int64 = 0
        let whole = count / 3
        var i = 0
        while i < limbs.count {
            let p = digits + 3 &* i
            var value = borrow
            if i < whole {
                value &+= Int64(p[0]) &+ Int64(p[1]) &* 1_000_000 &+ Int64(p[2]) &* 1_000_000_000_000
            } else if 3 &* i < count {
                value &+= Int64(p[0])
                if 3 &* i &+ 1 < count { value &+= Int64(p[1]) &* 1_000_000 }
            }
            borrow = value >> 63
            limbs[i] = UInt64(bitPattern: value &+ (borrow & Int64(DecimalBase.radix)))
            i &+= 1
        }
        return borrow
    }

    /// Eighteen digits every five limbs. Digits that two limbs share are cut; parts of a negative digit are negative.
    private func fillFives(_ limbs: LimbTarget) -> Int64 {
        var borrow: Int64 = 0
        @inline(__always)
        func proper(_ value: Int64) -> Limb {
            let sum = value &+ borrow
            borrow = sum >> 63
            return UInt64(bitPattern: sum &+ (borrow & Int64(DecimalBase.radix)))
        }
        let groups = min(count / 18, limbs.count / 5)
        for group in 0..<groups {
            let target = limbs.extracting((5 &* group)..<(5 &* group &+ 5))
            let d = digits + 18 &* group
            @inline(__always)
            func scaled(_ i: Int, _ scale: Int64) -> Int64 { Int64(d[i]) &* scale }
            target[0] = proper(
                scaled(0, 1) &+ scaled(1, 100_000) &+ scaled(2, 10_000_000_000)
                    &+ Int64(d[3] % 1_000) &* 1_000_000_000_000_000
            )
            target[1] = proper(
                Int64(d[3] / 1_000) &+ scaled(4, 100) &+ scaled(5, 10_000_000) &+ scaled(6, 1_000_000_000_000)
                    &+ Int64(d[7] % 10) &* 100_000_000_000_000_000
            )
            target[2] = proper(
                Int64(d[7] / 10) &+ scaled(8, 10_000) &+ scaled(9, 1_000_000_000)
                    &+ Int64(d[10] % 10_000) &* 100_000_000_000_000
            )
            target[3] = proper(
                Int64(d[10] / 10_000) &+ scaled(11, 10) &+ scaled(12, 1_000_000) &+ scaled(13, 100_000_000_000)
                    &+ Int64(d[14] % 100) &* 10_000_000_000_000_000
            )
            target[4] = proper(
                Int64(d[14] / 100) &+ scaled(15, 1_000) &+ scaled(16, 100_000_000) &+ scaled(17, 10_000_000_000_000)
            )
        }
        return fill(limbs.extracting((5 * groups)...), from: 18 * groups, borrow: Int32(borrow))
    }

    /// One digit after the other, beginning with one that begins a limb.
    private func fill(_ limbs: LimbTarget, from first: Int, borrow carried: Int32) -> Int64 {
        let base = Int32(base)
        var borrow = carried
        var (value, scale, width, position): (UInt64, UInt64, Int, Int) = (0, 1, 0, 0)
        var i = first
        while position < limbs.count {
            var digit: Int32 = borrow
            if i < count { digit &+= digits[i] }
            borrow = digit >> 31
            let proper = UInt64(truncatingIfNeeded: digit &+ (borrow & base))
            i &+= 1
            if width &+ exponent < DecimalBase.digitsPerLimb {
                value &+= proper &* scale
                scale &*= UInt64(truncatingIfNeeded: base)
                width &+= exponent
            } else {
                // The low part of the digit completes the limb, the high part begins the next one.
                let missing = DecimalBase.digitsPerLimb &- width
                let cut = UInt64(Self.powerOfTen(missing))
                limbs[position] = value &+ proper % cut &* scale
                position &+= 1
                value = proper / cut
                width = exponent &- missing
                scale = UInt64(Self.powerOfTen(width))
            }
        }
        return Int64(borrow)
    }
}
