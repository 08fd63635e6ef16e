import DecimalArithmetic
import Fibonacci
import TestSupport
import Testing

@Suite("Residues of Fibonacci numbers")
struct ResidueTests {
    @Test("small ones follow the recurrence")
    func recurrence() {
        var (current, previous): (UInt64, UInt64) = (0, 1)
        for n in 0...2_000 {
            #expect(Fibonacci.residue(at: n) == current)
            (current, previous) = ((current + previous) % Fibonacci.checkModulus, current)
        }
    }

    @Test(
        "large ones are known",
        arguments: [
            (100_000, 396_479_946_705_568_275), (1_000_000, 1_953_611_743_537_552_514),
            (1_000_000_000, 430_847_523_476_079_372), (1_000_000_000_000, 1_699_529_152_564_626_242),
            (123_456_789_012_345_678, 254_416_480_366_476_055), (Int.max, 13),
        ] as [(Int, UInt64)]
    )
    func known(n: Int, residue: UInt64) {
        #expect(Fibonacci.residue(at: n) == residue)
    }

    @Test("they are the residues of the numbers")
    func values() {
        var generator = SeededGenerator(seed: 60)
        for _ in 0..<200 {
            let n = Int.random(in: 0...5_000, using: &generator)
            #expect(Fibonacci.value(at: n).residue(modulo: Fibonacci.checkModulus) == Fibonacci.residue(at: n))
        }
    }
}
