import DecimalArithmetic
import TestSupport
import Testing

@Suite("Products")
struct MultiplicationTests {
    /// Lengths on both sides of every change of algorithm, and of one and two levels of recursion.
    private static let lengths = [
        1, 2, 3, 4, 5, 8, 13, 18, 19, 31, 32, 33, 50, 62, 63, 64, 65, 66, 78, 79, 80, 81, 82, 97, 126, 127, 128, 129,
        130,
        158, 159, 160, 161, 162, 191, 257,
    ]

    /// Whether a product has the residues that it must have, modulo every modulus.
    private func expectProduct(
        _ product: DecimalNatural,
        of a: DecimalNatural,
        and b: DecimalNatural,
        location: SourceLocation = #_sourceLocation
    ) {
        for modulus in [UInt64(1_000_003), 576_460_752_303_423_433] {
            let expected = Samples.multiply(
                Samples.residue(ofDigits: a.decimalDigits, modulo: modulus),
                Samples.residue(ofDigits: b.decimalDigits, modulo: modulus),
                modulo: modulus
            )
            #expect(
                Samples.residue(ofDigits: product.decimalDigits, modulo: modulus) == expected,
                "\(a.limbCount) × \(b.limbCount) limbs modulo \(modulus)",
                sourceLocation: location
            )
        }
    }

    @Test("products of words are those of the machine")
    func words() {
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<500 {
            let a = UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            let b = UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            #expect((DecimalNatural(a) * DecimalNatural(b)).description == String(UInt128(a) * UInt128(b)))
        }
    }

    @Test("equally long operands", arguments: lengths)
    func balanced(limbs: Int) {
        var generator = SeededGenerator(seed: UInt64(100 + limbs))
        let a = Samples.random(digits: 18 * limbs, using: &generator)
        let b = Samples.random(digits: 18 * limbs - 17, using: &generator)
        expectProduct(a * b, of: a, and: b)
        #expect(a * b == b * a)
        #expect(a.squared() == a * a)
        #expect(b.squared() == b * b)
    }

    @Test("operands of different lengths", arguments: [1, 2, 7, 32, 63, 64, 65, 80, 100, 129])
    func unbalanced(limbs: Int) {
        var generator = SeededGenerator(seed: UInt64(300 + limbs))
        for other in [limbs + 1, 2 * limbs - 1, 2 * limbs, 2 * limbs + 1, 3 * limbs + limbs / 2, 331] {
            let a = Samples.random(digits: 18 * limbs, using: &generator)
            let b = Samples.random(digits: 18 * other, using: &generator)
            let product = a * b
            expectProduct(product, of: a, and: b)
            #expect(product == b * a)
        }
    }

    @Test("all nines: (10^a − 1)(10^b − 1) = 10^(a+b) − 10^a − 10^b + 1", arguments: lengths)
    func nines(limbs: Int) {
        let (a, b) = (18 * limbs, 18 * limbs - 5)
        let expected = Samples.powerOfTen(a + b) + 1 - Samples.powerOfTen(a) - Samples.powerOfTen(b)
        #expect(Samples.nines(a) * Samples.nines(b) == expected)
        #expect(
            Samples.nines(a).squared() == Samples.powerOfTen(2 * a) + 1 - Samples.powerOfTen(a) - Samples.powerOfTen(a)
        )
    }

    @Test("limbs of all nines and all zeros", arguments: lengths)
    func extremes(limbs: Int) {
        var generator = SeededGenerator(seed: UInt64(400 + limbs))
        for _ in 0..<3 {
            let a = Samples.extreme(limbs: limbs, using: &generator)
            let b = Samples.extreme(limbs: limbs, using: &generator)
            expectProduct(a * b, of: a, and: b)
            expectProduct(a.squared(), of: a, and: a)
        }
    }

    @Test("a power of ten shifts the digits")
    func powersOfTen() {
        var generator = SeededGenerator(seed: 21)
        for exponent in [0, 1, 17, 18, 19, 500, 900, 1_800] {
            let a = Samples.random(digits: 700, using: &generator)
            let shifted = a.decimalDigits + [UInt8](repeating: 0x30, count: exponent)
            #expect((a * Samples.powerOfTen(exponent)).decimalDigits == shifted)
            #expect(Samples.powerOfTen(exponent).squared() == Samples.powerOfTen(2 * exponent))
        }
    }

    @Test("(a + b)² = a² + 2ab + b²")
    func binomial() {
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<20 {
            let a = Samples.random(digits: .random(in: 1...2_500, using: &generator), using: &generator)
            let b = Samples.random(digits: .random(in: 1...2_500, using: &generator), using: &generator)
            let product = a * b
            #expect((a + b).squared() == a.squared() + product + product + b.squared())
        }
    }

    @Test("products distribute over sums")
    func distributive() {
        var generator = SeededGenerator(seed: 23)
        for _ in 0..<20 {
            let a = Samples.extreme(limbs: .random(in: 1...120, using: &generator), using: &generator)
            let b = Samples.random(digits: .random(in: 1...2_000, using: &generator), using: &generator)
            let c = Samples.extreme(limbs: .random(in: 1...120, using: &generator), using: &generator)
            #expect(a * (b + c) == a * b + a * c)
        }
    }

    @Test("zero and one")
    func zeroAndOne() {
        let a = Samples.nines(1_000)
        #expect(a * .zero == .zero && .zero * a == .zero && DecimalNatural.zero.squared() == .zero)
        #expect(a * 1 == a && 1 * a == a && DecimalNatural(UInt64(1)).squared() == 1)
        var product = a
        product *= 2
        #expect(product == a + a)
    }
}
