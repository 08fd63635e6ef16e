import DecimalArithmetic
import Fibonacci
import TestSupport
import Testing

@Suite("Fibonacci numbers")
struct ValueTests {
    @Test("known numbers")
    func known() {
        #expect(Fibonacci.value(at: 0) == .zero)
        #expect(Fibonacci.value(at: 1) == 1)
        #expect(Fibonacci.value(at: 2) == 1)
        #expect(Fibonacci.value(at: 10) == 55)
        #expect(Fibonacci.value(at: 100).description == "354224848179261915075")
        #expect(Fibonacci.value(at: 186).description == "332825110087067562321196029789634457848")
        #expect(Fibonacci.value(at: 187).description == "538522340430300790495419781092981030533")
        #expect(
            Fibonacci.value(at: 300).description
                == "222232244629420445529739893461909967206666939096499764990979600"
        )
        #expect(
            Fibonacci.value(at: 1_000).description
                == "43466557686937456435688527675040625802564660517371780402481729089536555417949051"
                + "89040387984007925516929592259308032263477520968962323987332247116164299644090653"
                + "3187938298969649928516003704476137795166849228875"
        )
    }

    @Test("every number up to F(3000) is the sum of the two before it")
    func recurrence() {
        var (current, previous): (DecimalNatural, DecimalNatural) = (0, 1)
        for n in 0...3_000 {
            if Fibonacci.value(at: n) != current { Issue.record("F(\(n)) is wrong") }
            (current, previous) = (current + previous, current)
        }
    }

    @Test("numbers that fit a double word are the same by iteration")
    func small() {
        for n in 0...Fibonacci.maximumSmallIndex {
            #expect(Fibonacci.value(at: n) == DecimalNatural(Fibonacci.small(n)))
        }
        #expect(Fibonacci.small(0) == 0 && Fibonacci.small(1) == 1)
        #expect(Fibonacci.small(186) == 332_825_110_087_067_562_321_196_029_789_634_457_848)
    }

    @Test("F(m + n) = F(m)·F(n + 1) + F(m − 1)·F(n)")
    func addition() {
        var generator = SeededGenerator(seed: 40)
        for _ in 0..<25 {
            let m = Int.random(in: 1...6_000, using: &generator)
            let n = Int.random(in: 0...6_000, using: &generator)
            let sum =
                Fibonacci.value(at: m) * Fibonacci.value(at: n + 1)
                + Fibonacci.value(at: m - 1) * Fibonacci.value(at: n)
            #expect(Fibonacci.value(at: m + n) == sum, "m = \(m), n = \(n)")
        }
    }

    @Test("Cassini's identity: F(n − 1)·F(n + 1) − F(n)² = (−1)ⁿ", arguments: [187, 500, 1_001, 9_999, 20_000, 30_001])
    func cassini(n: Int) {
        let outer = Fibonacci.value(at: n - 1) * Fibonacci.value(at: n + 1)
        let square = Fibonacci.value(at: n).squared()
        if n.isMultiple(of: 2) {
            #expect(outer == square + 1)
        } else {
            #expect(outer + 1 == square)
        }
    }

    @Test(
        "large numbers have the residue and the length that they must have",
        arguments: [65_535, 65_536, 65_537, 100_000, 131_071, 300_007]
    )
    func large(n: Int) {
        let value = Fibonacci.value(at: n)
        #expect(value.residueModuloMersenne61 == Fibonacci.residue(at: n))
        #expect(value.digitCount == Fibonacci.digitCount(at: n))
    }

    @Test("F(100000) has the digits it is known for")
    func hundredThousand() {
        let digits = Fibonacci.value(at: 100_000).description
        #expect(digits.hasPrefix("25974069347221724166"))
        #expect(digits.hasSuffix("49895374653428746875"))
        #expect(digits.utf8.count == 20_899)
    }
}

@Suite("Giving a computation up")
struct CheckpointTests {
    private struct Cancelled: Error {}

    @Test(
        "the checkpoint hears of progress, which only grows, from 0 to 1",
        arguments: [2_000, 17_000, 100_000, 3_000_000]
    )
    func progress(n: Int) {
        var parts: [Double] = []
        _ = Fibonacci.value(at: n) { parts.append($0) }
        #expect(!parts.isEmpty)
        #expect(parts.allSatisfy { (0..<1).contains($0) })
        #expect(parts == parts.sorted())
    }

    @Test("numbers that take no time have no checkpoint")
    func none() {
        var passed = 0
        _ = Fibonacci.value(at: 1_000) { _ in passed += 1 }
        #expect(passed == 0)
    }

    @Test("a long computation is asked often, in its long last step, too")
    func often() {
        var parts: [Double] = []
        _ = Fibonacci.value(at: 3_000_000) { parts.append($0) }
        #expect(zip(parts, parts.dropFirst() + [1]).allSatisfy { $1 - $0 < 0.2 })
    }

    @Test("an error thrown from it stops the computation there", arguments: [10_000, 400_000])
    func stops(n: Int) {
        var passed = 0
        #expect(throws: Cancelled.self) {
            try Fibonacci.value(at: n) { _ throws(Cancelled) in
                passed += 1
                if passed == 4 { throw Cancelled() }
            }
        }
        #expect(passed == 4)
    }

    @Test("it also stops a verified computation, with no fault and no second attempt")
    func stopsVerified() {
        var (passed, faults) = (0, 0)
        #expect(throws: Cancelled.self) {
            try Fibonacci.verified(
                at: 10_000,
                checkpoint: { _ in
                    passed += 1
                    throw Cancelled()
                },
                onFault: { _ in faults += 1 }
            )
        }
        #expect(passed == 1 && faults == 0)
    }
}
