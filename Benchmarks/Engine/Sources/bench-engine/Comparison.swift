import CGMP
import DecimalArithmetic
import Dispatch
import Fibonacci

/// The times of one index.
struct Comparison {
    /// A way of ours, beside GMP in the same run.
    struct Contender {
        var name: String
        var engine: Engine
        /// Seconds, run by run.
        var times: [Double] = []
    }

    var n: Int
    var gmp: [Double] = []
    var contenders: [Contender]

    /// GMP and every way of ours in turn, round after round.
    static func measure(n: Int) -> Comparison {
        let fastest = TransformKernel.fastest
        var contenders = [Contender(name: "\(fastest.name), 1 thread", engine: Engine())]
        if n >= 1_000_000 {
            contenders.append(
                Contender(name: "\(fastest.name), 2 threads", engine: Engine(parallelism: .threads(2)))
            )
        }
        if n >= 100_000 {
            for kernel in TransformKernel.available.dropFirst() {
                contenders.append(Contender(name: "\(kernel.name), 1 thread", engine: Engine(kernel: kernel)))
            }
        }
        var comparison = Comparison(n: n, contenders: contenders)
        comparison.run()
        return comparison
    }

    private mutating func run() {
        let digitCount = Fibonacci.digitCount(at: n)
        // Two more for GMP: a sign and a zero.
        var ours = [UInt8](repeating: 0, count: digitCount)
        var theirs = [CChar](repeating: 0, count: digitCount + 2)
        runGMP(into: &theirs)
        for contender in contenders {
            runOurs(contender.engine, into: &ours)
            guard zip(ours, theirs).allSatisfy({ $0 == UInt8(bitPattern: $1) }) else {
                BenchEngine.fail("F(\(n)) by \(contender.name) differs from GMP's")
            }
        }
        let repetitions = max(1, min(20_000, 5_000_000 / n))
        let rounds = n > 100_000_000 ? 1 : n > 10_000_000 ? 5 : n > 1_000_000 ? 11 : 21
        for _ in 0..<rounds {
            gmp.append(time(repetitions) { runGMP(into: &theirs) })
            for i in contenders.indices {
                contenders[i].times.append(time(repetitions) { runOurs(contenders[i].engine, into: &ours) })
            }
        }
    }

    private func time(_ repetitions: Int, _ body: () -> Void) -> Double {
        let start = seconds()
        for _ in 0..<repetitions { body() }
        return (seconds() - start) / Double(repetitions)
    }

    private func runOurs(_ engine: Engine, into buffer: inout [UInt8]) {
        do {
            let value = try Fibonacci.verified(at: n, using: engine)
            buffer.withUnsafeMutableBytes { _ = value.writeDigits(into: $0, using: engine.kernel) }
        } catch {
            BenchEngine.fail("\(error)")
        }
    }

    private func runGMP(into buffer: inout [CChar]) {
        var value = mpz_t()
        __gmpz_init(&value)
        __gmpz_fib_ui(&value, UInt(n))
        buffer.withUnsafeMutableBufferPointer { _ = __gmpz_get_str($0.baseAddress, 10, &value) }
        __gmpz_clear(&value)
    }
}

extension Parallelism {
    static func threads(_ width: Int) -> Parallelism {
        Parallelism(width: width) { count, body in
            // Proof: the parts are independent, which is the contract of `Parallelism`, and all have ended when this returns.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: count) { body($0) }
        }
    }
}
