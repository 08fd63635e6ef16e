import ArgumentParser
import DecimalArithmetic
import Dispatch
import Fibonacci
import FibonacciAPI

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
        discussion: """
            The number is checked modulo 2^61 − 1 before the first digit is written. COMPUTE_THREADS of the environment says how many \
            threads may work on it, ARITHMETIC_KERNEL with which instructions.
            """
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
        let engine = try engine()
        var progress = ProgressBar(isVisible: isatty(STDERR_FILENO) == 1)
        let value = try Fibonacci.verified(at: n, using: engine) { part in
            progress.show(part)
        } onFault: { fault in
            CommandFailure(code: 0, message: "integrity failure, computing again: \(fault)").report()
        }
        progress.finish()
        try value.withDigitChunks(using: engine.kernel) { try file.write($0) }
        try withUnsafeBytes(of: UInt8(ascii: "\n")) { try file.write($0) }
        try file.close()
    }

    private func engine() throws -> Engine {
        do {
            let reader = CommandConfigurationReader.make()
            return Engine(
                kernel: try ServiceConfiguration.kernel.value(from: reader),
                parallelism: .dispatch(width: try ServiceConfiguration.computeThreads.value(from: reader))
            )
        } catch let error as ConfigurationError {
            throw CommandFailure.configuration(error)
        }
    }
}

extension Parallelism {
    /// Parts run on the threads of the system's pool.
    fileprivate static func dispatch(width: Int) -> Parallelism {
        Parallelism(width: width) { count, body in
            guard count > 1 else {
                if count == 1 { body(0) }
                return
            }
            // Proof: the parts are independent, which is the contract of `Parallelism`, and all have ended when this returns.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: count) { body($0) }
        }
    }
}
