import Foundation

/// A program that a test started. It is ended by its number, and waited for.
final class LocalProcess: Sendable {
    let identifier: pid_t

    struct MissingProgram: Error, CustomStringConvertible {
        var name: String
        var description: String { "\(name) is missing: apt-get install redis-server redis-tools" }
    }

    struct Failure: Error {
        var what: String
        var output: String
    }

    /// Starts a program that runs until it is ended.
    init(_ name: String, _ arguments: [String], in directory: String) throws {
        let process = try Self.make(name, arguments, in: directory)
        try process.run()
        identifier = process.processIdentifier
    }

    /// Runs a program to its end, on a thread of its own: what waits for it must not keep other tests from running.
    ///
    /// - Returns: what it wrote to its standard output.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], in directory: String = "/tmp") async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(name, arguments, in: directory) })
            }
        }
    }

    private static func runBlocking(_ name: String, _ arguments: [String], in directory: String) throws -> String {
        let process = try make(name, arguments, in: directory)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(what: "\(name) \(arguments.joined(separator: " "))", output: String(text.suffix(600)))
        }
        return text
    }

    private static func make(_ name: String, _ arguments: [String], in directory: String) throws -> Process {
        let directories = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        guard let path = directories.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw MissingProgram(name: name)
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

    func send(signal: CInt) {
        kill(identifier, signal)
    }

    /// Ends the process and waits, for at most a second, until it is gone.
    func end() {
        send(signal: SIGCONT)
        send(signal: SIGKILL)
        for _ in 0..<1000 where isRunning { usleep(1000) }
    }

    /// Whether the process has not ended; Foundation collects those that have.
    var isRunning: Bool { kill(identifier, 0) == 0 }
}

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "rate-limiting-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
