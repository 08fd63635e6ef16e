import Foundation
import NIOCore
import NIOPosix
import RESP
import RedisClient
import Synchronization
import Testing

/// A redis-server of a test's own, on a free port of the loopback interface.
final class RedisServer: Sendable {
    let port: Int
    private let options: [String]
    private let directory: TemporaryDirectory
    private let process: Mutex<LocalProcess>

    init(_ options: [String] = []) async throws {
        let port = try await FreePort.find()
        let directory = try TemporaryDirectory()
        self.port = port
        self.directory = directory
        self.options =
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no",
                "--dir", directory.path, "--logfile", "log",
            ] + options
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

    var configuration: RedisConfiguration {
        RedisConfiguration(endpoint: RedisEndpoint(host: "127.0.0.1", port: port))
    }

    var log: String { (try? String(contentsOfFile: "\(directory.path)/log", encoding: .utf8)) ?? "no log" }

    func kill() {
        process.withLock { $0.end() }
    }

    func stop() { process.withLock { $0.send(signal: SIGSTOP) } }
    func resume() { process.withLock { $0.send(signal: SIGCONT) } }

    /// Starts the server again on the same port, without data.
    func restart() async throws {
        kill()
        let next = try LocalProcess("redis-server", options, in: directory.path)
        process.withLock { $0 = next }
        try await waitUntilListening()
    }

    private func waitUntilListening() async throws {
        try await eventually("redis-server listens on \(port): \(log)") {
            guard process.withLock({ $0.isRunning }) else {
                Issue.record("redis-server has ended: \(log)")
                return true
            }
            return await FreePort.isListening(port)
        }
    }
}

/// Ports of the loopback interface.
enum FreePort {
    /// Apart from the ports of the tests of the Redis client, which run at the same time.
    private static let next = Mutex(Int.random(in: 6_100..<7_900))

    /// A port on which nobody listens, nor on the one 10000 above it, which a cluster's node uses, too.
    static func find() async throws -> Int {
        while true {
            let port = next.withLock {
                $0 += 1
                return $0
            }
            if await !isListening(port), await !isListening(port + 10_000) { return port }
        }
    }

    static func isListening(_ port: Int) async -> Bool {
        let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try? await channel?.close().get()
        return channel != nil
    }
}
