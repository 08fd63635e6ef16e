import DecimalArithmetic
import TestSupport

/// Numbers that are made for the tests, and a second, plain way to compute with their digits.
enum Samples {
    /// A number of so many random digits, the first one not zero.
    static func random(digits: Int, using generator: inout SeededGenerator) -> DecimalNatural {
        var text = [UInt8.random(in: 0x31...0x39, using: &generator)]
        text.reserveCapacity(digits)
        while text.count < digits { text.append(UInt8.random(in: 0x30...0x39, using: &generator)) }
        return number(text)
    }

    /// A number whose limbs are mostly all nines or all zeros: the ones that carry furthest.
    static func extreme(limbs: Int, using generator: inout SeededGenerator) -> DecimalNatural {
        var text: [UInt8] = [0x31]
        for _ in 1..<max(2, limbs) {
            switch UInt8.random(in: 0..<8, using: &generator) {
            case 0..<4: text += repeatElement(0x39, count: 18)
            case 4..<7: text += repeatElement(0x30, count: 18)
            default: text += (0..<18).map { _ in UInt8.random(in: 0x30...0x39, using: &generator) }
            }
        }
        return number(text)
    }

    /// 10^exponent − 1.
    static func nines(_ exponent: Int) -> DecimalNatural {
        number([UInt8](repeating: 0x39, count: exponent))
    }

    /// 10^exponent.
    static func powerOfTen(_ exponent: Int) -> DecimalNatural {
        number([0x31] + [UInt8](repeating: 0x30, count: exponent))
    }

    /// The number with these digits.
    static func number(_ digits: [UInt8]) -> DecimalNatural {
        guard let number = DecimalNatural(decimalDigits: digits) else { preconditionFailure("not digits") }
        return number
    }

    /// The remainder of digits by a modulus below 2^59, one digit after the other.
    static func residue(ofDigits digits: [UInt8], modulo modulus: UInt64) -> UInt64 {
        digits.reduce(0) { ($0 * 10 + UInt64($1 - 0x30)) % modulus }
    }

    /// The product of two residues, by doubling: no code in common with what is tested.
    static func multiply(_ a: UInt64, _ b: UInt64, modulo modulus: UInt64) -> UInt64 {
        var (product, power, factor) = (UInt64(0), a % modulus, b)
        while factor > 0 {
            if factor & 1 == 1 { product = (product + power) % modulus }
            power = (power + power) % modulus
            factor >>= 1
        }
        return product
    }

    /// Primes of several sizes, and one composite modulus.
    static let moduli: [UInt64] = [3, 7, 1_000_003, 4_294_967_291, 1 << 58, 576_460_752_303_423_433]
}
