import Logging
import NIOPosix
import RESP
import RateLimiting
import RedisClient
import ServiceLifecycle
import TestSupport
import Testing

extension RedisConfiguration {
    /// Patience for tests on a busy machine, where the deadline is not what is tested.
    var patient: RedisConfiguration {
        var configuration = self
        configuration.timeouts.command = .seconds(10)
        return configuration
    }
}

/// Runs clients of their own connections, as so many processes would have them, and waits until all are connected.
func withClients<Result: Sendable>(
    _ count: Int,
    _ configuration: RedisConfiguration,
    _ body: @Sendable @escaping ([any RedisCommanding]) async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        var clients: [any RedisCommanding] = []
        defer { group.cancelAll() }
        for _ in 0..<count {
            let client = try configuration.makeClient(
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            clients.append(client)
            group.addTask { try await client.run() }
        }
        for client in clients {
            try await eventually("a client connects: \(client.state)") { client.state.level == .connected }
        }
        return try await body(clients)
    }
}

/// Runs stores of one policy, each with a client of its own.
func withStores<Result: Sendable>(
    _ count: Int,
    _ configuration: RedisConfiguration,
    _ policy: TokenBucketPolicy,
    _ body: @Sendable @escaping ([RedisStore], any RedisCommanding) async throws -> Result
) async throws -> Result {
    try await withClients(count, configuration.patient) { clients in
        let stores = clients.map { RedisStore(client: $0, policy: policy, refusalLimit: 1024) }
        return try await body(stores, clients[0])
    }
}

extension RedisCommanding {
    /// The time by Redis' clock, in microseconds.
    func time() async throws -> Int64 {
        let parts = try await send(RedisCommand("TIME"), timeout: .seconds(10)).elements?.compactMap(\.integer) ?? []
        try #require(parts.count == 2)
        return parts[0] * 1_000_000 + parts[1]
    }
}
