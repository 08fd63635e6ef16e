import ArgumentParser
import DecimalArithmetic
import Fibonacci

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `fibonacci-api compute`
struct ComputeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute",
        abstract: "Print F(n) in decimal.",
        discussion: "The number is checked modulo 2^61 − 1 before the first digit is written."
    )

    /// The largest index: beyond it the digits no longer fit the memory of common machines.
    static let maximumIndex = 10_000_000_000

    @Argument(help: "The index, from 0 to \(maximumIndex), in decimal digits.", transform: parse)
    var n: Int

    @Option(name: .shortAndLong, help: "Write to this file instead of standard output.")
    var output: String?

    /// As strict as the service: no sign, no leading zeros.
    private static func parse(_ text: String) throws -> Int {
        guard let index = Int(text), String(index) == text, (0...maximumIndex).contains(index) else {
            throw ValidationError("expected an integer from 0 to \(maximumIndex).")
        }
        return index
    }

    func run() throws {
        // Opened first: a path that cannot be written should not cost a long computation.
        let file = try OutputFile(path: output)
        var progress = ProgressBar(isVisible: isatty(STDERR_FILENO) == 1, steps: Fibonacci.doublingSteps(at: n))
        let value = try Fibonacci.verified(at: n) {
            progress.advance()
        } onFault: { fault in
            CommandFailure(code: 0, message: "integrity failure, computing again: \(fault)").report()
        }
        progress.finish()
        try value.withDigitChunks { try file.write($0) }
        try withUnsafeBytes(of: UInt8(ascii: "\n")) { try file.write($0) }
        try file.close()
    }
}
