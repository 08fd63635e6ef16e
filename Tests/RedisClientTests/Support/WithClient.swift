import Logging
import NIOPosix
import RESP
import RedisClient
import Synchronization
import TestSupport
import Testing

/// Runs a client for the length of a test.
func withClient<Result: Sendable>(
    _ configuration: RedisConfiguration,
    log: LogRecorder = LogRecorder(),
    observer: (any RedisObserver)? = nil,
    _ body: @Sendable @escaping (RedisStandaloneClient) async throws -> Result
) async throws -> Result {
    let client = try RedisStandaloneClient(
        configuration: configuration,
        group: MultiThreadedEventLoopGroup.singleton,
        logger: log.logger,
        observer: observer
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await client.run() }
        defer { group.cancelAll() }
        return try await body(client)
    }
}

/// Runs a client and waits until it is connected.
func withConnectedClient<Result: Sendable>(
    _ configuration: RedisConfiguration,
    log: LogRecorder = LogRecorder(),
    observer: (any RedisObserver)? = nil,
    _ body: @Sendable @escaping (RedisStandaloneClient) async throws -> Result
) async throws -> Result {
    try await withClient(configuration, log: log, observer: observer) { client in
        try await eventually("the client connects: \(client.state)") { client.state.level == .connected }
        return try await body(client)
    }
}

extension RedisCommanding {
    /// The reply to a command that has all the time it needs.
    func reply(_ command: RedisCommand) async throws -> RESPValue {
        try await send(command, timeout: .seconds(10))
    }

    /// Why a command fails; nil if it does not.
    func failure(of command: RedisCommand, timeout: Duration? = nil) async -> RedisError? {
        do throws(RedisError) {
            _ = try await send(command, timeout: timeout)
            return nil
        } catch {
            return error
        }
    }
}

/// Counts what an observer is told.
final class RecordingObserver: RedisObserver {
    struct Counts {
        var calls: [String: Int] = [:]
        var failures: [RedisError.Code: Int] = [:]
        var opened = 0
        var failed = 0
        var states: [RedisState.Level] = []
    }

    private let storage = Mutex(Counts())

    var counts: Counts { storage.withLock { $0 } }

    func callEnded(name: String, endpoint: RedisEndpoint?, duration: Duration, error: RedisError?) {
        storage.withLock {
            $0.calls[name, default: 0] += 1
            if let error { $0.failures[error.code, default: 0] += 1 }
        }
    }

    func connectionOpened(endpoint: RedisEndpoint) { storage.withLock { $0.opened += 1 } }
    func connectionFailed(endpoint: RedisEndpoint, error: RedisError) { storage.withLock { $0.failed += 1 } }
    func stateChanged(to state: RedisState) { storage.withLock { $0.states.append(state.level) } }
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
