import DecimalArithmetic
import Fibonacci
import Testing

@Suite("Verified numbers")
struct VerifiedTests {
    /// F(n) with one digit changed.
    private func spoilt(_ n: Int, digit position: Int) -> DecimalNatural {
        var digits = Fibonacci.value(at: n).decimalDigits
        digits[position] = digits[position] == 0x39 ? 0x38 : digits[position] + 1
        return DecimalNatural(decimalDigits: digits) ?? .zero
    }

    @Test("a right number passes without a fault", arguments: [0, 1, 2, 78, 186, 187, 1_000, 20_000])
    func right(n: Int) throws {
        var faults: [IntegrityFault] = []
        let value = try Fibonacci.verified(at: n, onFault: { faults.append($0) })
        #expect(value == Fibonacci.value(at: n))
        #expect(faults.isEmpty)
    }

    @Test("a flipped digit is caught, reported and computed again", arguments: [0, 1, 104, 207, 208])
    func flippedDigit(position: Int) throws {
        var faults: [IntegrityFault] = []
        var attempts = 0
        let value = try Fibonacci.verified(at: 1_000, onFault: { faults.append($0) }) {
            attempts += 1
            return attempts == 1 ? spoilt(1_000, digit: position) : Fibonacci.value(at: 1_000)
        }
        #expect(value == Fibonacci.value(at: 1_000))
        #expect(attempts == 2)
        let found = spoilt(1_000, digit: position).residueModuloMersenne61
        let reason = IntegrityFault.Reason.residue(expected: Fibonacci.residue(at: 1_000), found: found)
        #expect(faults == [IntegrityFault(index: 1_000, attempt: 1, reason: reason)])
    }

    @Test("a number of the wrong length is caught")
    func wrongLength() throws {
        var faults: [IntegrityFault] = []
        var attempts = 0
        _ = try Fibonacci.verified(at: 500, onFault: { faults.append($0) }) {
            attempts += 1
            return Fibonacci.value(at: attempts == 1 ? 400 : 500)
        }
        let reason = IntegrityFault.Reason.digitCount(expected: 105, found: 84)
        #expect(faults == [IntegrityFault(index: 500, attempt: 1, reason: reason)])
    }

    @Test("a fault that stays ends in an error that lists every attempt")
    func lastingFault() {
        var reported = 0
        let error = #expect(throws: IntegrityError.self) {
            try Fibonacci.verified(at: 1_000, maximumAttempts: 4, onFault: { _ in reported += 1 }) {
                spoilt(1_000, digit: 7)
            }
        }
        #expect(reported == 4)
        #expect(error?.faults.map(\.attempt) == [1, 2, 3, 4])
        #expect(error?.description.contains("F(1000), attempt 4: residue") == true)
    }

    @Test("a neighbour of the same length is not taken for the number")
    func neighbours() {
        for n in 3...2_000 {
            let value = Fibonacci.value(at: n)
            #expect(Fibonacci.mismatch(of: value, at: n) == nil)
            #expect(Fibonacci.mismatch(of: value, at: n + 1) != nil)
            #expect(Fibonacci.mismatch(of: value + 1, at: n) != nil)
        }
    }
}
