package import RedisClient
import TestSupport

/// Three masters of a test's own, with as many replicas each as it asks for.
package final class RedisCluster: Sendable {
    package let servers: [RedisServer]

    private static let options = [
        "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000",
        "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
    ]

    package init(replicas: Int) async throws {
        var servers: [RedisServer] = []
        for _ in 0..<(3 * (1 + replicas)) { servers.append(try await RedisServer(Self.options)) }
        self.servers = servers
        let addresses = servers.map { "127.0.0.1:\($0.port)" }
        try await LocalProgram.run(
            "redis-cli",
            ["--cluster", "create"] + addresses + ["--cluster-replicas", "\(replicas)", "--cluster-yes"]
        )
        for server in servers {
            try await eventually("the node at \(server.port) knows the whole cluster", within: .seconds(20)) {
                let nodes = try await cli(server, ["cluster", "nodes"])
                return try await cli(server, ["cluster", "info"]).contains("cluster_state:ok")
                    && nodes.split(separator: "\n").count { $0.contains("slave") } == 3 * replicas
            }
        }
    }

    package var configuration: RedisConfiguration {
        var configuration = servers[0].configuration
        configuration.isCluster = true
        return configuration
    }

    /// Runs redis-cli against a node.
    @discardableResult
    package func cli(_ server: RedisServer, _ arguments: [String]) async throws -> String {
        try await LocalProgram.run("redis-cli", ["-h", "127.0.0.1", "-p", "\(server.port)"] + arguments)
    }

    private var address: String { "127.0.0.1:\(servers[0].port)" }

    private func waitUntilAgreed() async throws {
        try await eventually("the nodes agree", within: .seconds(20)) {
            (try? await LocalProgram.run("redis-cli", ["--cluster", "check", address])) != nil
        }
    }

    /// Moves slots from one master to another.
    package func reshard(_ count: Int, from source: String, to target: String) async throws {
        try await waitUntilAgreed()
        try await LocalProgram.run(
            "redis-cli",
            [
                "--cluster", "reshard", address, "--cluster-from", source, "--cluster-to", target,
                "--cluster-slots", "\(count)", "--cluster-yes", "--cluster-pipeline", "1",
            ]
        )
    }

    /// Adds a master without slots.
    package func addNode() async throws -> (server: RedisServer, identifier: String) {
        try await waitUntilAgreed()
        let server = try await RedisServer(Self.options)
        try await LocalProgram.run("redis-cli", ["--cluster", "add-node", "127.0.0.1:\(server.port)", address])
        let identifier = try await cli(server, ["cluster", "myid"]).filter { !$0.isNewline }
        try await eventually("all nodes know the new one, and it knows them", within: .seconds(20)) {
            guard try await cli(server, ["cluster", "info"]).contains("cluster_state:ok") else { return false }
            for server in servers {
                let nodes = try await cli(server, ["cluster", "nodes"]).split(separator: "\n")
                guard nodes.contains(where: { $0.hasPrefix(identifier) && !$0.contains("handshake") }) else {
                    return false
                }
            }
            return true
        }
        return (server, identifier)
    }

    /// Makes all nodes forget one.
    package func remove(_ identifier: String) async throws {
        try await waitUntilAgreed()
        try await LocalProgram.run("redis-cli", ["--cluster", "del-node", address, identifier])
    }

    /// The masters in the eyes of one node: identifier and port.
    package func masters(asking server: RedisServer) async throws -> [(identifier: String, port: Int)] {
        try await cli(server, ["cluster", "nodes"]).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2].contains("master"), !fields[2].contains("fail") else { return nil }
            let address = fields[1].prefix { $0 != "@" }
            return (String(fields[0]), Int(address.drop { $0 != ":" }.dropFirst()) ?? 0)
        }
    }

    package func server(at port: Int) -> RedisServer? {
        servers.first { $0.port == port }
    }
}
