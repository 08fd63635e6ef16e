import DecimalArithmetic
import Synchronization
import TestSupport
import Testing

@Suite("Products by the transform")
struct TransformProductTests {
    private static let kernels = TransformKernel.available.map(\.name)

    private func kernel(_ name: String) throws -> TransformKernel {
        try #require(TransformKernel.available.first { $0.name == name })
    }

    /// The product by the schoolbook and Karatsuba's method, which never round.
    private func exactProduct(_ a: DecimalNatural, _ b: DecimalNatural) -> DecimalNatural {
        let (long, short) = a.limbCount >= b.limbCount ? (a, b) : (b, a)
        var (longLimbs, shortLimbs): ([Limb], [Limb]) = ([], [])
        long.appendLimbs(to: &longLimbs)
        short.appendLimbs(to: &shortLimbs)
        let count = Multiplication.workspaceCount(longLimbs.count, shortLimbs.count)
        return DecimalNatural(limbCount: longLimbs.count + shortLimbs.count) { product in
            longLimbs.withUnsafeBufferPointer { a in
                shortLimbs.withUnsafeBufferPointer { b in
                    withUnsafeTemporaryAllocation(of: Limb.self, capacity: count) {
                        Multiplication.multiply(a, b, into: product, workspace: $0)
                    }
                }
            }
        }
    }

    /// The residues of a product are the products of the residues.
    private func expectResidues(_ product: DecimalNatural, of a: DecimalNatural, and b: DecimalNatural) {
        for modulus in Samples.moduli {
            let expected = Samples.multiply(a.residue(modulo: modulus), b.residue(modulo: modulus), modulo: modulus)
            #expect(product.residue(modulo: modulus) == expected)
        }
    }

    @Test("every kernel that the processor has is there, the baseline last")
    func available() {
        #expect(TransformKernel.available.first?.name == TransformKernel.fastest.name)
        #expect(TransformKernel.available.last?.name == TransformKernel.baseline.name)
        #expect(Set(Self.kernels).count == Self.kernels.count)
    }

    @Test("equal the schoolbook's at every short length", arguments: kernels)
    func short(name: String) throws {
        let kernel = try kernel(name)
        var generator = SeededGenerator(seed: 500)
        for limbs in Array(1...40) + [63, 64, 65, 99, 149, 150, 151] {
            let a = Samples.random(digits: 18 * limbs, using: &generator)
            let b = Samples.random(digits: 18 * limbs - 17, using: &generator)
            #expect(TransformProduct.multiply(a, b, kernel: kernel) == exactProduct(a, b), "\(limbs) limbs")
            #expect(TransformProduct.square(a, kernel: kernel) == exactProduct(a, a), "\(limbs) limbs")
        }
    }

    @Test("equal Karatsuba's at random lengths on both sides of the threshold", arguments: kernels)
    func threshold(name: String) throws {
        let kernel = try kernel(name)
        var generator = SeededGenerator(seed: 501)
        for _ in 0..<30 {
            let a = Samples.random(digits: .random(in: 1_800...9_000, using: &generator), using: &generator)
            let b = Samples.random(digits: .random(in: 1_800...9_000, using: &generator), using: &generator)
            let expected = exactProduct(a, b)
            #expect(TransformProduct.multiply(a, b, kernel: kernel) == expected)
            #expect(a * b == expected)
        }
    }

    @Test("long ones have the residues that they must have, whatever the shape of the transform", arguments: kernels)
    func long(name: String) throws {
        let kernel = try kernel(name)
        var generator = SeededGenerator(seed: 502)
        for _ in 0..<40 {
            // Evenly over the logarithm, so that every leaf length comes up.
            let digits = Int(20_000 * Double.random(in: 1...16, using: &generator))
            let a = Samples.random(digits: digits, using: &generator)
            let b = Samples.random(digits: .random(in: digits / 2...digits, using: &generator), using: &generator)
            let product = try #require(TransformProduct.multiply(a, b, kernel: kernel))
            expectResidues(product, of: a, and: b)
            #expect(TransformProduct.multiply(b, a, kernel: kernel) == product)
        }
    }

    @Test("of factors of very different lengths", arguments: kernels)
    func unbalanced(name: String) throws {
        let kernel = try kernel(name)
        var generator = SeededGenerator(seed: 503)
        for (long, short) in [(50_000, 1), (50_000, 17), (90_000, 2_700), (120_000, 40_000), (3_000, 2_999)] {
            let a = Samples.random(digits: long, using: &generator)
            let b = Samples.random(digits: short, using: &generator)
            #expect(TransformProduct.multiply(a, b, kernel: kernel) == exactProduct(a, b))
            #expect(TransformProduct.multiply(b, a, kernel: kernel) == exactProduct(a, b))
        }
    }

    @Test("of all nines and of powers of ten", arguments: kernels)
    func nines(name: String) throws {
        let kernel = try kernel(name)
        for digits in [18, 3_000, 5_003, 40_000, 123_457] {
            let nines = Samples.nines(digits)
            let expected =
                Samples.powerOfTen(2 * digits) + 1 - Samples.powerOfTen(digits) - Samples.powerOfTen(digits)
            #expect(TransformProduct.square(nines, kernel: kernel) == expected)
            let power = Samples.powerOfTen(digits)
            #expect(
                TransformProduct.multiply(nines, power, kernel: kernel)?.decimalDigits
                    == nines.decimalDigits + [UInt8](repeating: 0x30, count: digits)
            )
        }
    }

    @Test(
        "of digits that add up to the largest sums, in every base: nothing wrong comes out, in a smaller base if need be",
        arguments: kernels
    )
    func worst(name: String) throws {
        let kernel = try kernel(name)
        for pattern in ["499999", "500000", "4999", "5000", "49999", "50000", "49", "5", "45", "499999500000"] {
            for digits in [4_000, 60_000, 400_000] {
                let text = String(repeating: pattern, count: digits / pattern.utf8.count)
                let number = try #require(DecimalNatural(text))
                let square = try #require(TransformProduct.square(number, kernel: kernel))
                expectResidues(square, of: number, and: number)
                if digits < 50_000 { #expect(square == exactProduct(number, number)) }
            }
        }
    }

    @Test("(a + b)² = a² + 2ab + b² at lengths that take the transform")
    func binomial() {
        var generator = SeededGenerator(seed: 504)
        for _ in 0..<6 {
            let a = Samples.random(digits: .random(in: 3_000...80_000, using: &generator), using: &generator)
            let b = Samples.extreme(limbs: .random(in: 170...4_000, using: &generator), using: &generator)
            let product = a * b
            #expect((a + b).squared() == a.squared() + product + product + b.squared())
        }
    }

    @Test("a perturbed transform is noticed, and the product formed again in a smaller base", arguments: kernels)
    func perturbed(name: String) throws {
        let kernel = try kernel(name)
        var generator = SeededGenerator(seed: 505)
        let a = Samples.random(digits: 20_000, using: &generator)
        let b = Samples.random(digits: 20_000, using: &generator)
        let expected = exactProduct(a, b)

        /// Errors of all sizes, in one place and everywhere; the last two leave integers behind, which only the residue shows.
        let errors: [(UnsafeMutableBufferPointer<Double>) -> Void] = [
            { $0[7] += 1e6 }, { $0[$0.count - 1] = .nan }, { $0[0] = .infinity }, { $0[5] *= 1e30 },
            { values in for i in values.indices { values[i] *= 1.0001 } },
            { values in for i in values.indices { values[i] *= 2 } },
            { values in for i in values.indices { values[i] = 0 } },
        ]
        for error in errors {
            var faults: [TransformFault] = []
            var (calls, isNoNumber) = (0, false)
            let product = TransformProduct.multiply(a, b, kernel: kernel) { values in
                if calls == 0 {
                    error(values)
                    isNoNumber = values.contains { $0.isNaN }
                }
                calls += 1
            } onFault: {
                faults.append($0)
            }
            #expect(product == expected)
            #expect(faults.count == 1)
            #expect(calls == 2)
            if isNoNumber, let reason = faults.first?.reason {
                guard case .magnitude(.infinity) = reason else {
                    Issue.record("seen as \(reason)")
                    continue
                }
            }
        }
    }

    @Test("an error that stays is never believed")
    func lastingError() {
        var generator = SeededGenerator(seed: 506)
        let a = Samples.random(digits: 5_000, using: &generator)
        var faults = 0
        let product = TransformProduct.square(a) {
            $0[3] += 1e9
        } onFault: { _ in
            faults += 1
        }
        #expect(product == nil)
        #expect(faults == 5)
    }
}
