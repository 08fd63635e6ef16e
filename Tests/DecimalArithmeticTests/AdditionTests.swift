import DecimalArithmetic
import TestSupport
import Testing

@Suite("Sums and differences")
struct AdditionTests {
    @Test("what is added can be subtracted again")
    func addThenSubtract() {
        var generator = SeededGenerator(seed: 10)
        for _ in 0..<400 {
            let a = Samples.random(digits: .random(in: 1...400, using: &generator), using: &generator)
            let b = Samples.extreme(limbs: .random(in: 1...20, using: &generator), using: &generator)
            let sum = a + b
            #expect(sum == b + a)
            #expect(sum - b == a)
            #expect(sum - a == b)
            #expect(sum >= a && sum > a - (a > b ? b : a))
        }
    }

    @Test("sums agree with plain arithmetic on residues")
    func residues() {
        var generator = SeededGenerator(seed: 11)
        for modulus in Samples.moduli {
            for _ in 0..<30 {
                let a = Samples.random(digits: .random(in: 1...300, using: &generator), using: &generator)
                let b = Samples.random(digits: .random(in: 1...300, using: &generator), using: &generator)
                let expected =
                    Samples.residue(ofDigits: a.decimalDigits, modulo: modulus)
                    + Samples.residue(ofDigits: b.decimalDigits, modulo: modulus)
                #expect(
                    Samples.residue(ofDigits: (a + b).decimalDigits, modulo: modulus) == expected % modulus
                )
            }
        }
    }

    @Test("a carry runs through all nines, and a borrow back", arguments: [1, 17, 18, 19, 36, 54, 1_000])
    func carries(digits: Int) {
        let nines = Samples.nines(digits)
        #expect(nines + 1 == Samples.powerOfTen(digits))
        #expect(1 + nines == Samples.powerOfTen(digits))
        #expect(Samples.powerOfTen(digits) - 1 == nines)
        #expect(Samples.powerOfTen(digits) - nines == 1)
        #expect(nines + nines == Samples.powerOfTen(digits) + nines - 1)
    }

    @Test("zero changes nothing")
    func zero() {
        let a = Samples.nines(40)
        #expect(a + .zero == a && .zero + a == a && a - .zero == a)
        #expect(a - a == .zero && DecimalNatural.zero + .zero == .zero)
        #expect((a - a).decimalDigits == [0x30])
    }

    @Test("doubling adds a number to itself")
    func doubling() {
        var generator = SeededGenerator(seed: 12)
        for limbs in 1...40 {
            var number = Samples.extreme(limbs: limbs, using: &generator)
            let sum = number + number
            number.double()
            #expect(number == sum)
        }
        var zero = DecimalNatural.zero
        zero.double()
        #expect(zero == .zero)
    }

    @Test("in-place operations leave copies alone")
    func copies() {
        var a = Samples.nines(50)
        let copy = a
        a += 1
        #expect(copy == Samples.nines(50))
        a -= 2
        #expect(copy == Samples.nines(50) && a == copy - 1)
        a.double()
        #expect(copy == Samples.nines(50))
    }

    @Test("a difference below zero is nil, not a wrong number")
    func belowZero() {
        #expect(DecimalNatural(UInt64(3)).subtracting(4) == nil)
        #expect(DecimalNatural(UInt64(4)).subtracting(4) == .zero)
        #expect(Samples.nines(36).subtracting(Samples.powerOfTen(36)) == nil)
        #expect(Samples.powerOfTen(36).subtracting(Samples.nines(36)) == 1)
    }

    @Test("numbers are ordered by value")
    func order() {
        var generator = SeededGenerator(seed: 13)
        #expect(DecimalNatural.zero < 1 && !(DecimalNatural.zero < .zero))
        for _ in 0..<200 {
            let a = Samples.extreme(limbs: .random(in: 1...8, using: &generator), using: &generator)
            let b = Samples.extreme(limbs: .random(in: 1...8, using: &generator), using: &generator)
            #expect((a < b) == (b.subtracting(a).map { !$0.isZero } ?? false))
            #expect((a == b) == (!(a < b) && !(b < a)))
            #expect(a < a + 1 && !(a < a))
            if a == b { #expect(a.hashValue == b.hashValue) }
        }
    }
}
