import CGMP
import DecimalArithmetic
import Dispatch
import Fibonacci
import Glibc

func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
let args = CommandLine.arguments
let kernelName = args[1]
let kernel = TransformKernel.available.first { $0.name == kernelName }!
let two = Parallelism(width: 2) { count, body in
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: count) { body($0) }
}
let engine = Engine(kernel: kernel, parallelism: args[2] == "2" ? two : .none)
for a in args[3...] {
    let n = Int(a)!
    let reps =
        getenv("REPS").map { Int(String(cString: $0))! } ?? max(1, min(20000, 20_000_000 / n / (n > 100000 ? 8 : 1)))
    var best = Double.infinity, bestv = Double.infinity, bestt = Double.infinity
    var value = DecimalNatural.zero
    for _ in 0..<3 {
        let t0 = now()
        for _ in 0..<reps { value = try! Fibonacci.verified(at: n, using: engine, onFault: { print($0) }) }
        let t1 = now()
        for _ in 0..<reps {
            if Fibonacci.mismatch(of: value, at: n) != nil {
                print("MISMATCH", Fibonacci.mismatch(of: value, at: n)!); break
            }
        }
        let t2 = now()
        var buffer = [UInt8](repeating: 0, count: value.digitCount)
        let t3 = now()
        for _ in 0..<reps { buffer.withUnsafeMutableBytes { _ = value.writeDigits(into: $0) } }
        let t4 = now()
        best = min(best, (t1 - t0) / Double(reps)); bestv = min(bestv, (t2 - t1) / Double(reps));
        bestt = min(bestt, (t4 - t3) / Double(reps))
    }
    var gmp = Double.infinity
    if n <= 100_000_000 && getenv("NOGMP") == nil {
        for _ in 0..<3 {
            let t0 = now()
            let r = max(1, reps / 10)
            for _ in 0..<r {
                var x = mpz_t(); __gmpz_init(&x); __gmpz_fib_ui(&x, UInt(n)); let s = __gmpz_get_str(nil, 10, &x);
                free(s); __gmpz_clear(&x)
            }
            gmp = min(gmp, (now() - t0) / Double(r))
            if n >= 10_000_000 { break }
        }
    }
    print(
        kernelName,
        n,
        "value",
        best * 1e6,
        "verify",
        bestv * 1e6,
        "text",
        bestt * 1e6,
        "gmp",
        gmp * 1e6,
        "ratio",
        gmp / (best + bestv + bestt),
        "dist",
        0
    )
}
