import DecimalArithmetic
import Fibonacci
import Synchronization
import TestSupport
import Testing

@Suite("Large numbers by the transform")
struct TransformDoublingTests {
    private static let kernels = TransformKernel.available.map(\.name)

    private func engine(_ name: String) throws -> Engine {
        Engine(kernel: try #require(TransformKernel.available.first { $0.name == name }))
    }

    /// F(n) modulo a modulus below 2^63 by products of matrices' entries in double words: no code in common with the engine.
    private func residue(of n: Int, modulo modulus: UInt64) -> UInt64 {
        func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(UInt128(a) * UInt128(b) % UInt128(modulus)) }
        func add(_ a: UInt64, _ b: UInt64) -> UInt64 { (a + b) % modulus }
        var (a, b, c, d): (UInt64, UInt64, UInt64, UInt64) = (1, 0, 0, 1)
        var (p, q, r, s): (UInt64, UInt64, UInt64, UInt64) = (1, 1, 1, 0)
        var bits = n
        while bits > 0 {
            if bits & 1 == 1 {
                (a, b, c, d) = (
                    add(multiply(a, p), multiply(b, r)), add(multiply(a, q), multiply(b, s)),
                    add(multiply(c, p), multiply(d, r)), add(multiply(c, q), multiply(d, s))
                )
            }
            (p, q, r, s) = (
                add(multiply(p, p), multiply(q, r)), add(multiply(p, q), multiply(q, s)),
                add(multiply(r, p), multiply(s, r)), add(multiply(r, q), multiply(s, s))
            )
            bits >>= 1
        }
        return b
    }

    @Test("every index around the threshold is the sum of the two before it", arguments: kernels)
    func threshold(name: String) throws {
        let engine = try engine(name)
        let first = Fibonacci.transformThreshold - 20
        var (previous, current) = (Fibonacci.value(at: first - 2), Fibonacci.value(at: first - 1))
        for n in first..<(first + 60) {
            (previous, current) = (current, current + previous)
            #expect(Fibonacci.value(at: n, using: engine) { _ in } == current, "n = \(n)")
        }
    }

    @Test("random indices have the residues that they must have", arguments: kernels)
    func residues(name: String) throws {
        let engine = try engine(name)
        var generator = SeededGenerator(seed: 60)
        for _ in 0..<60 {
            let n = Int(Double(Fibonacci.transformThreshold) * Double.random(in: 1...12, using: &generator))
            let value = Fibonacci.value(at: n, using: engine) { _ in }
            for modulus: UInt64 in [1_000_000_007, (1 << 62) - 57, 1_000_000_000_000_000_003] {
                #expect(value.residue(modulo: modulus) == residue(of: n, modulo: modulus), "n = \(n)")
            }
            #expect(value.digitCount == Fibonacci.digitCount(at: n))
        }
    }

    @Test("F(m + n) = F(m)·F(n + 1) + F(m − 1)·F(n)", arguments: kernels)
    func addition(name: String) throws {
        let engine = try engine(name)
        var generator = SeededGenerator(seed: 61)
        for _ in 0..<5 {
            let m = Int.random(in: 20_000...150_000, using: &generator)
            let n = Int.random(in: 20_000...150_000, using: &generator)
            func value(_ n: Int) -> DecimalNatural { Fibonacci.value(at: n, using: engine) { _ in } }
            #expect(value(m + n) == value(m) * value(n + 1) + value(m - 1) * value(n), "m = \(m), n = \(n)")
        }
    }

    @Test("kernels agree on numbers of a million digits")
    func kernelsAgree() throws {
        let values = try Self.kernels.map { name in
            let engine = try engine(name)
            return try Fibonacci.verified(at: 5_000_017, using: engine)
        }
        #expect(Set(values).count == 1)
    }

    /// What becomes of F(n) if the first so many transforms are changed.
    private func perturbed(
        _ n: Int,
        times: Int,
        _ change: @escaping @Sendable (UnsafeMutableBufferPointer<Double>) -> Void
    ) throws -> (value: DecimalNatural, faults: [IntegrityFault]) {
        let left = Mutex(times)
        var engine = Engine()
        engine.perturb = { values in
            let isDue = left.withLock { left in
                left -= 1
                return left >= 0
            }
            if isDue { change(values) }
        }
        var faults: [IntegrityFault] = []
        let value = try Fibonacci.verified(at: n, using: engine, onFault: { faults.append($0) })
        return (value, faults)
    }

    @Test("a rounding error is caught, reported and computed again in a smaller base", arguments: [20_000, 100_001])
    func roundingError(n: Int) throws {
        let (value, faults) = try perturbed(n, times: 1) { $0[11] += 1e7 }
        #expect(value == Fibonacci.value(at: n))
        #expect(faults.count == 1)
        guard case .product(let reason) = try #require(faults.first).reason else {
            Issue.record("another fault: \(faults)")
            return
        }
        #expect(reason.contains("base 10^6"))
    }

    @Test("an error that leaves integers behind is caught by the residue, reported and computed again")
    func integralError() throws {
        // Four steps from 6250 to 100000; the last product is doubled.
        let n = 100_000
        let calls = Mutex(0)
        var engine = Engine()
        engine.perturb = { values in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            if call == 5 { for i in values.indices { values[i] *= 2 } }
        }
        var faults: [IntegrityFault] = []
        let value = try Fibonacci.verified(at: n, using: engine, onFault: { faults.append($0) })
        #expect(value == Fibonacci.value(at: n))
        #expect(faults.count == 1)
        #expect(faults.first?.attempt == 1)
        if case .product = faults.first?.reason { Issue.record("seen too early: \(faults)") }
    }

    @Test("an error in every transform leads to products that do not round")
    func lastingError() throws {
        let (value, faults) = try perturbed(30_000, times: .max) { $0[2] += 1e9 }
        #expect(value == Fibonacci.value(at: 30_000))
        #expect(faults.count == 5)
    }
}
