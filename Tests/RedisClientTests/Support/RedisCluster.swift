import Foundation
import NIOCore
import NIOPosix
import RESP
import RedisClient
import Testing

/// Three masters with a replica each, of a test's own.
final class RedisCluster: Sendable {
    let servers: [RedisServer]

    private static let options = [
        "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000",
        "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
    ]

    init() async throws {
        var servers: [RedisServer] = []
        for _ in 0..<6 { servers.append(try await RedisServer(Self.options)) }
        self.servers = servers
        let addresses = servers.map { "127.0.0.1:\($0.port)" }
        try LocalProcess.run(
            "redis-cli",
            ["--cluster", "create"] + addresses + ["--cluster-replicas", "1", "--cluster-yes"]
        )
        for server in servers {
            try await eventually("the node at \(server.port) knows the whole cluster", within: .seconds(20)) {
                let nodes = try cli(server, ["cluster", "nodes"])
                return try cli(server, ["cluster", "info"]).contains("cluster_state:ok")
                    && nodes.split(separator: "\n").count { $0.contains("slave") } == 3
            }
        }
    }

    var configuration: RedisConfiguration {
        var configuration = servers[0].configuration
        configuration.isCluster = true
        return configuration
    }

    /// Runs redis-cli against a node.
    @discardableResult
    func cli(_ server: RedisServer, _ arguments: [String]) throws -> String {
        try LocalProcess.run("redis-cli", ["-h", "127.0.0.1", "-p", "\(server.port)"] + arguments)
    }

    private var address: String { "127.0.0.1:\(servers[0].port)" }

    private func waitUntilAgreed() async throws {
        try await eventually("the nodes agree", within: .seconds(20)) {
            (try? LocalProcess.run("redis-cli", ["--cluster", "check", address])) != nil
        }
    }

    /// Moves slots from one master to another.
    func reshard(_ count: Int, from source: String, to target: String) async throws {
        try await waitUntilAgreed()
        try LocalProcess.run(
            "redis-cli",
            [
                "--cluster", "reshard", address, "--cluster-from", source, "--cluster-to", target,
                "--cluster-slots", "\(count)", "--cluster-yes", "--cluster-pipeline", "1",
            ]
        )
    }

    /// Adds a master without slots.
    func addNode() async throws -> (server: RedisServer, identifier: String) {
        try await waitUntilAgreed()
        let server = try await RedisServer(Self.options)
        try LocalProcess.run("redis-cli", ["--cluster", "add-node", "127.0.0.1:\(server.port)", address])
        let identifier = try cli(server, ["cluster", "myid"]).trimmingCharacters(in: .newlines)
        try await eventually("all nodes know the new one, and it knows them", within: .seconds(20)) {
            guard try cli(server, ["cluster", "info"]).contains("cluster_state:ok") else { return false }
            return try servers.allSatisfy { server in
                try cli(server, ["cluster", "nodes"]).split(separator: "\n").contains {
                    $0.hasPrefix(identifier) && !$0.contains("handshake")
                }
            }
        }
        return (server, identifier)
    }

    /// Makes all nodes forget one.
    func remove(_ identifier: String) async throws {
        try await waitUntilAgreed()
        try LocalProcess.run("redis-cli", ["--cluster", "del-node", address, identifier])
    }

    /// The masters in the eyes of one node: identifier and port.
    func masters(asking server: RedisServer) throws -> [(identifier: String, port: Int)] {
        try cli(server, ["cluster", "nodes"]).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2].contains("master"), !fields[2].contains("fail") else { return nil }
            let address = fields[1].prefix { $0 != "@" }
            return (String(fields[0]), Int(address.drop { $0 != ":" }.dropFirst()) ?? 0)
        }
    }

    func server(at port: Int) throws -> RedisServer {
        try #require(servers.first { $0.port == port })
    }
}

/// Runs a cluster's client and waits until it is connected.
func withConnectedClusterClient<Result: Sendable>(
    _ configuration: RedisConfiguration,
    log: LogRecorder = LogRecorder(),
    _ body: @Sendable @escaping (RedisClusterClient) async throws -> Result
) async throws -> Result {
    let client = try RedisClusterClient(
        configuration: configuration,
        group: MultiThreadedEventLoopGroup.singleton,
        logger: log.logger
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await client.run() }
        defer { group.cancelAll() }
        try await eventually("the client connects: \(client.state)") { client.state.level == .connected }
        return try await body(client)
    }
}
