import Dispatch
import TestSupport
import Testing

@testable import DecimalArithmetic

@Suite("Parts of the transform")
struct TransformPartsTests {
    @Test("a plan has room for the digits, and not much more than it takes", arguments: [4, 8])
    func plan(lanes: Int) {
        var generator = SeededGenerator(seed: 510)
        let counts = Array(1...600) + (0..<400).map { _ in Int.random(in: 600...500_000_000, using: &generator) }
        for count in counts {
            let plan = TransformPlan(digitCount: count, lanes: lanes)
            #expect(plan.digitCount >= count)
            #expect(plan.length == lanes * lanes * plan.blockLength)
            #expect(plan.blockLength == plan.leafLength << plan.levelCount)
            if count > 20 * lanes * lanes * lanes {
                #expect(Double(plan.digitCount) < 1.26 * Double(count), "\(count)")
            }
        }
    }

    @Test(
        "two numbers find room and roots wherever their length is, in a process of their own or not",
        arguments: [4, 8]
    )
    func plansWithin(lanes: Int) {
        var longest = 0
        for count in stride(from: 2 * lanes * lanes, through: 1 << 22, by: 2 * lanes * lanes) {
            let length = TransformPlan(digitCount: count, lanes: lanes).length
            #expect(length >= longest)
            longest = length
        }
        // The longest transform for F(10^10), the largest index of `compute`.
        #expect(TransformPlan(digitCount: 2_089_876_403 / 5 + 6, lanes: lanes).rootCount <= RootTable.maximumCount)
    }

    @Test("roots of unity lie on the circle, and their powers close it")
    func roots() {
        let table = RootTable.table(count: 4_096)
        #expect(table.count >= 4_096)
        for j in 0..<4_096 {
            let (re, im) = (table.pointer[2 * j], table.pointer[2 * j + 1])
            #expect(abs(re * re + im * im - 1) < 4e-16)
            // v(2j + 1) = v(j)/2 + 1/2: a square root, turned by a quarter.
            if j < 2_048 {
                let (x, y) = (table.pointer[4 * j + 2], table.pointer[4 * j + 3])
                #expect(abs(y * y - x * x - re) < 5e-16 && abs(-2 * x * y - im) < 5e-16)
            }
        }
    }

    @Test("digits of every base come back as they went in", arguments: BalancedDigits.exponents)
    func digits(exponent: Int) throws {
        var generator = SeededGenerator(seed: 511)
        let capacity = 4_000
        let memory = WorkMemory(byteCount: capacity * MemoryLayout<Int32>.stride)
        var digits = BalancedDigits(memory.base, capacity: capacity, exponent: exponent)
        for limbs in Array(1...24) + [100, 333] {
            for number in [
                Samples.random(digits: 18 * limbs - limbs % 18, using: &generator),
                Samples.extreme(limbs: limbs, using: &generator), Samples.nines(18 * limbs),
                Samples.powerOfTen(18 * limbs - 1),
            ] {
                digits.load(number)
                #expect(digits.natural() == number)
                for i in 0..<digits.count { #expect(abs(Int64(digits.digits[i])) * 2 <= digits.base) }
            }
        }
        digits.load(.zero)
        #expect(digits.count == 0 && digits.natural() == .zero)
    }

    @Test("a negative number is not taken for one")
    func negative() {
        let memory = WorkMemory(byteCount: 64)
        for exponent in BalancedDigits.exponents {
            var digits = BalancedDigits(memory.base, capacity: 16, exponent: exponent)
            digits.load(1_000_000_007)
            digits.digits[digits.count - 1] = -1
            #expect(digits.natural() == nil)
        }
    }

    @Test("what is added to a digit is carried as far as it takes, and not over the end")
    func carry() {
        let memory = WorkMemory(byteCount: 256)
        var digits = BalancedDigits(memory.base, capacity: 64, exponent: 3)
        digits.load(Samples.nines(30))
        digits.clear(upTo: 20)
        digits.count = 20
        #expect(digits.add(1, at: 0, limit: 20))
        digits.trim()
        #expect(digits.natural() == Samples.powerOfTen(30))
        digits.clear(upTo: 20)
        digits.count = 20
        #expect(digits.add(-123_456_789_012_345, at: 2, limit: 20))
        digits.trim()
        #expect(digits.natural() == Samples.powerOfTen(30) - (DecimalNatural(123_456_789_012_345) * 1_000_000))
        #expect(!digits.add(500, at: 20, limit: 20))
    }

    @Test(
        "numbers need no computation before them to find their roots",
        arguments: [24_553, 24_560, 24_566, 49_100, 98_200]
    )
    func roots(digits: Int) throws {
        // Lengths at which a shorter transform takes more roots than the next longer one.
        var generator = SeededGenerator(seed: 513)
        let (a, b) = (
            Samples.random(digits: digits / 2, using: &generator),
            Samples.random(digits: digits - digits / 2, using: &generator)
        )
        for kernel in TransformKernel.available { #expect(TransformProduct.multiply(a, b, kernel: kernel) != nil) }
    }

    @Test("rounding stays far from what is trusted")
    func distances() {
        var generator = SeededGenerator(seed: 514)
        let number = Samples.random(digits: 300_000, using: &generator)
        for kernel in TransformKernel.available {
            for exponent in BalancedDigits.exponents {
                let multiplier = TransformMultiplier(maximumDigits: 600_000, exponent: exponent, kernel: kernel)
                multiplier.load(number)
                #expect(multiplier.perform(.init(.square), checkpoint: { _ in }) == nil)
                #expect(multiplier.largestDistance < TransformMultiplier.maximumDistance / 3)
            }
        }
    }

    @Test("every kernel writes the same text", arguments: [1, 15, 16, 17, 63, 64, 65, 127, 500])
    func text(limbs: Int) {
        var generator = SeededGenerator(seed: 515)
        for number in [
            Samples.random(digits: 18 * limbs - limbs % 17, using: &generator),
            Samples.extreme(limbs: limbs, using: &generator), Samples.nines(18 * limbs),
        ] {
            let expected = number.decimalDigits
            for kernel in TransformKernel.available {
                var text = [UInt8](repeating: 0, count: number.digitCount)
                text.withUnsafeMutableBytes { _ = number.writeDigits(into: $0, using: kernel) }
                #expect(text == expected)
                var joined: [UInt8] = []
                number.withDigitChunks(ofSize: 1_000, using: kernel) { joined += $0 }
                #expect(joined == expected)
            }
        }
    }

    @Test("large and small blocks of memory can be written from end to end", arguments: [1, 64, 1 << 20, 5 << 20])
    func memory(byteCount: Int) {
        let memory = WorkMemory(byteCount: byteCount)
        #expect(UInt(bitPattern: memory.base) % 64 == 0)
        memory.base.initializeMemory(as: UInt8.self, repeating: 0xff, count: byteCount)
        #expect(memory.base.load(fromByteOffset: byteCount - 1, as: UInt8.self) == 0xff)
    }

    @Test("parts at the same time give the same number", arguments: [2, 3, 8, 50])
    func parallel(width: Int) throws {
        var generator = SeededGenerator(seed: 512)
        let parallelism = Parallelism(width: width) { count, body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: count) { body($0) }
        }
        for kernel in TransformKernel.available {
            let a = Samples.random(digits: 800_000, using: &generator)
            let b = Samples.random(digits: 790_000, using: &generator)
            let multiplier = TransformMultiplier(
                maximumDigits: 1_590_000,
                exponent: 6,
                kernel: kernel,
                parallelism: parallelism
            )
            multiplier.load(a, b)
            #expect(multiplier.perform(.init(.product), checkpoint: { _ in }) == nil)
            let product = try multiplier.result().get()
            #expect(product == TransformProduct.multiply(a, b, kernel: kernel))
        }
    }
}
