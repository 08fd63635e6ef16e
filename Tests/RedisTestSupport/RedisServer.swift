import Foundation
package import RedisClient
import Synchronization
import TestSupport

/// A redis-server of a test's own, on a free port of the loopback interface.
package final class RedisServer: Sendable {
    package struct Ended: Error {
        package var log: String
    }

    package let port: Int
    private let options: [String]
    private let directory: TemporaryDirectory
    private let process: Mutex<LocalProcess>

    /// - Parameters:
    ///   - users: the users of an access list, one a line.
    ///   - plainPort: whether the port speaks without TLS.
    package init(_ options: [String] = [], users: String? = nil, plainPort: Bool = true) async throws {
        let port = try await FreePort.find()
        let directory = try TemporaryDirectory()
        let accessList = try users.map { ["--aclfile", try directory.write($0, to: "users.acl")] } ?? []
        self.port = port
        self.directory = directory
        self.options =
            [
                plainPort ? "--port" : "--tls-port", "\(port)", "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--daemonize", "no", "--dir", directory.path, "--logfile", "log",
            ] + (plainPort ? [] : ["--port", "0"]) + accessList + options
        process = Mutex(try LocalProcess("redis-server", self.options, in: directory.path))
        do {
            try await waitUntilListening()
        } catch {
            kill()
            throw error
        }
    }

    deinit {
        kill()
    }

    package var configuration: RedisConfiguration {
        RedisConfiguration(endpoint: RedisEndpoint(host: "127.0.0.1", port: port))
    }

    package var log: String { (try? String(contentsOfFile: "\(directory.path)/log", encoding: .utf8)) ?? "no log" }

    package func kill() {
        process.withLock { $0.end() }
    }

    package func stop() { process.withLock { $0.send(signal: SIGSTOP) } }
    package func resume() { process.withLock { $0.send(signal: SIGCONT) } }

    /// Starts the server again on the same port, without data.
    package func restart() async throws {
        kill()
        let next = try LocalProcess("redis-server", options, in: directory.path)
        process.withLock { $0 = next }
        try await waitUntilListening()
    }

    private func waitUntilListening() async throws {
        try await eventually("redis-server listens on \(port): \(log)") {
            guard process.withLock({ $0.isRunning }) else { throw Ended(log: log) }
            return await FreePort.isListening(port)
        }
    }
}
