import RedisClient
import Testing

/// Three masters of a test's own.
final class RedisCluster: Sendable {
    let servers: [RedisServer]

    init() async throws {
        var servers: [RedisServer] = []
        for _ in 0..<3 {
            servers.append(
                try await RedisServer([
                    "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000",
                ])
            )
        }
        self.servers = servers
        try await LocalProcess.run(
            "redis-cli",
            ["--cluster", "create"] + servers.map { "127.0.0.1:\($0.port)" } + ["--cluster-yes"]
        )
        for server in servers {
            try await eventually("the node at \(server.port) knows the cluster", within: .seconds(20)) {
                try await LocalProcess.run("redis-cli", ["-p", "\(server.port)", "cluster", "info"])
                    .contains("cluster_state:ok")
            }
        }
    }

    var configuration: RedisConfiguration {
        var configuration = servers[0].configuration
        configuration.isCluster = true
        return configuration
    }
}
