import DecimalArithmetic
import TestSupport
import Testing

@Suite("Residues")
struct ResidueTests {
    private static let mersenne61: UInt64 = (1 << 61) - 1

    @Test("residues are those of the digits, whatever the length")
    func plain() {
        var generator = SeededGenerator(seed: 30)
        for limbs in Array(0...20) + [63, 64, 65, 66, 67] {
            let number = limbs == 0 ? .zero : Samples.random(digits: 18 * limbs, using: &generator)
            let digits = number.decimalDigits
            for modulus in Samples.moduli + [1, 2, 10] {
                #expect(number.residue(modulo: modulus) == Samples.residue(ofDigits: digits, modulo: modulus))
            }
        }
    }

    @Test("the Mersenne residue is that of the digits")
    func mersenne() {
        var generator = SeededGenerator(seed: 31)
        for limbs in Array(1...20) + [100, 101, 102, 103] {
            let number = Samples.extreme(limbs: limbs, using: &generator)
            let expected = number.decimalDigits.reduce(UInt128(0)) {
                ($0 * 10 + UInt128($1 - 0x30)) % UInt128(Self.mersenne61)
            }
            #expect(number.residueModuloMersenne61 == UInt64(expected))
            #expect(number.residue(modulo: Self.mersenne61) == UInt64(expected))
        }
    }

    @Test("large moduli", arguments: [.max, .max - 58, 1 << 63, (1 << 63) - 25] as [UInt64])
    func largeModuli(modulus: UInt64) {
        var generator = SeededGenerator(seed: 32)
        for limbs in 1...20 {
            let number = Samples.extreme(limbs: limbs, using: &generator)
            let expected = number.decimalDigits.reduce(UInt128(0)) { ($0 * 10 + UInt128($1 - 0x30)) % UInt128(modulus) }
            #expect(number.residue(modulo: modulus) == UInt64(expected))
        }
    }

    @Test("multiples of the modulus leave nothing")
    func multiples() {
        var generator = SeededGenerator(seed: 33)
        let number = Samples.random(digits: 900, using: &generator)
        #expect((number * DecimalNatural(Self.mersenne61)).residueModuloMersenne61 == 0)
        #expect((number * DecimalNatural(Self.mersenne61) + 5).residueModuloMersenne61 == 5)
        #expect(DecimalNatural.zero.residueModuloMersenne61 == 0)
    }

    @Test("every single wrong digit changes the Mersenne residue")
    func wrongDigits() {
        var generator = SeededGenerator(seed: 34)
        let number = Samples.random(digits: 300, using: &generator)
        let residue = number.residueModuloMersenne61
        var digits = number.decimalDigits
        for i in digits.indices {
            let right = digits[i]
            for wrong in UInt8(0x30)...0x39 where wrong != right {
                digits[i] = wrong
                #expect(Samples.number(digits).residueModuloMersenne61 != residue)
            }
            digits[i] = right
        }
    }
}
