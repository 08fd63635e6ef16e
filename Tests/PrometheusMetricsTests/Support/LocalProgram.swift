import Foundation

/// Runs a program to its end.
enum LocalProgram {
    struct Missing: Error, CustomStringConvertible {
        var name: String
        var installation: String
        var description: String { "\(name) is missing: \(installation)" }
    }

    struct Outcome: Sendable, Equatable {
        var status: Int32
        /// Standard output and standard error.
        var output: String
    }

    /// On a thread of its own: what waits for a program must not keep other tests from running.
    static func run(
        _ name: String,
        _ arguments: [String],
        input: [UInt8],
        installation: String
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try runBlocking(name, arguments, input: input, installation: installation) }
                )
            }
        }
    }

    private static func runBlocking(
        _ name: String,
        _ arguments: [String],
        input: [UInt8],
        installation: String
    ) throws -> Outcome {
        let directories = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        guard let path = directories.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw Missing(name: name, installation: installation)
        }
        // A file, not a pipe: a program that ends without reading must not end the tests with a signal.
        let file = FileManager.default.temporaryDirectory.appending(path: "prometheus-metrics-\(UUID().uuidString)")
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: text)
    }
}
