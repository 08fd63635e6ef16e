import DecimalArithmetic
import Fibonacci

/// `bench-engine`: F(n) in decimal text, ours against GMP's, in alternating runs.
@main
struct BenchEngine {
    static let usage = """
        usage: bench-engine [--billion] [--update FILE] [N ...]

          N              indices to measure; by default 100, 200, 300, 1000, … 100000000
          --billion      add 1000000000, which GMP takes about a minute and 2 GB for
          --update FILE  replace what is between the lines "<!-- bench-engine begin -->" and "<!-- bench-engine end -->" of FILE

        Ours is Fibonacci.verified, its integrity check included, and the digits written to a buffer; GMP's is mpz_fib_ui and mpz_get_str
        into a buffer. Every number is compared with GMP's. Times are medians; ratios are medians of the ratios of neighbouring runs.
        """

    static func main() {
        var indices: [Int] = []
        var update: String?
        var wantsBillion = false
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--billion": wantsBillion = true
            case "--update":
                guard let file = arguments.popFirst() else { fail("--update needs a file") }
                update = file
            case "--help", "-h":
                print(usage)
                return
            default:
                guard let n = Int(argument), (1...1_000_000_000).contains(n) else { fail("'\(argument)' is no index") }
                indices.append(n)
            }
        }
        if indices.isEmpty {
            indices = [100, 200, 300, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]
        }
        if wantsBillion { indices.append(1_000_000_000) }

        let report = Report(rows: indices.map { Comparison.measure(n: $0) })
        print(report.markdown)
        if let update {
            do {
                try report.replaceSection(of: update)
            } catch {
                fail("cannot update \(update): \(error)")
            }
        }
    }

    static func fail(_ message: String) -> Never {
        writeError("bench-engine: \(message)\n\(usage)\n")
        exitProcess(64)
    }
}
