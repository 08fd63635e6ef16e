import Foundation

/// Runs programs of this machine.
package enum LocalProgram {
    package struct Missing: Error, CustomStringConvertible {
        package var name: String
        package var description: String { "\(name) is missing: 'make peers' installs it" }
    }

    package struct Failure: Error {
        package var what: String
        package var output: String
    }

    package struct Outcome: Sendable, Equatable {
        package var status: Int32
        /// Standard output and standard error.
        package var output: String

        package init(status: Int32, output: String) {
            self.status = status
            self.output = output
        }
    }

    /// Runs a program to its end, whatever that is.
    ///
    /// On a thread of its own: what waits for a program must not keep other tests from running.
    package static func outcome(
        _ name: String,
        _ arguments: [String],
        input: [UInt8] = [],
        in directory: String = "/tmp"
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try runBlocking(name, arguments, input: input, in: directory) }
                )
            }
        }
    }

    /// Runs a program that has to succeed.
    ///
    /// - Returns: what it wrote to its standard output and standard error.
    @discardableResult
    package static func run(
        _ name: String,
        _ arguments: [String],
        in directory: String = "/tmp"
    ) async throws -> String {
        let outcome = try await outcome(name, arguments, in: directory)
        guard outcome.status == 0 else {
            throw Failure(
                what: "\(name) \(arguments.joined(separator: " "))",
                output: String(outcome.output.suffix(600))
            )
        }
        return outcome.output
    }

    private static func runBlocking(
        _ name: String,
        _ arguments: [String],
        input: [UInt8],
        in directory: String
    ) throws -> Outcome {
        let process = try make(name, arguments, in: directory)
        if !input.isEmpty {
            // A file, not a pipe: a program that ends without reading must not end the tests with a signal.
            let files = try TemporaryDirectory()
            let path = try files.write(input, to: "input")
            process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: text)
    }

    /// A program that is not started yet, and neither reads nor writes.
    static func make(_ name: String, _ arguments: [String], in directory: String) throws -> Process {
        let directories = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        guard let path = directories.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw Missing(name: name)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}
