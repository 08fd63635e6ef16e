import Logging
import RESP
import RedisClient
import RedisTestSupport
import ServiceLifecycle
import TestSupport
import Testing

@testable import RateLimiting

private let someone = ClientKey(address: "2001:db8::1")

/// Limiters with a client each, as so many processes would have them, and their heartbeats.
private func withLimiters(
    _ count: Int,
    _ configuration: RedisConfiguration,
    _ policy: TokenBucketPolicy,
    deadline: Duration = .seconds(10),
    _ body: @Sendable @escaping ([RateLimiter], [any RedisCommanding]) async throws -> Void
) async throws {
    try await withClients(count, configuration) { clients in
        let limiters = clients.map {
            RateLimiter(policy: policy, redis: $0, deadline: deadline, clientLimit: 1024, heartbeat: .milliseconds(200))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for limiter in limiters { group.addTask { await limiter.run() } }
            try await eventually("all processes are counted") { limiters.allSatisfy { $0.processCount == count } }
            try await body(limiters, clients)
        }
    }
}

@Suite("Limiters whose Redis goes and comes back")
struct OutageTests {
    @Test("share the budget while it is killed, and find back to it by themselves")
    func killAndRestart() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 1000, window: 31_536_000)
        try await withLimiters(4, server.configuration, policy) { limiters, clients async throws in
            #expect(await limiters[0].consume(900, by: someone).mode == .global)
            server.kill()
            try await eventually("all know that it is away") { clients.allSatisfy { $0.state.level == .down } }
            var admitted = 0
            for index in 0..<2000 {
                // No waiting: each verdict is there at once.
                let verdict = try #require(limiters[index % 4].consumeImmediately(1, by: someone))
                #expect(verdict.mode == .local)
                if verdict.isAllowed { admitted += 1 }
            }
            #expect(admitted == 1000)
            try await server.restart()
            for limiter in limiters {
                try await eventually("Redis decides again") { await limiter.consume(0, by: someone).mode == .global }
            }
            #expect(await limiters[0].consume(600, by: someone).isAllowed)
            #expect(await limiters[1].consume(600, by: someone).outcome == .refused)
            try await eventually("all are counted again") { limiters.allSatisfy { $0.processCount == 4 } }
        }
    }

    @Test("answer within the deadline while it is stopped, and find back to it when it goes on")
    func stopAndContinue() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 1000, window: 3600)
        try await withLimiters(2, server.configuration, policy, deadline: .milliseconds(25)) {
            limiters,
            clients async throws in
            server.stop()
            var verdicts: [Verdict] = []
            for index in 0..<100 { verdicts.append(await limiters[index % 2].consume(20, by: someone)) }
            #expect(verdicts.allSatisfy { $0.mode == .local })
            #expect(verdicts.count { $0.isAllowed } == 50)
            try await eventually("both stop asking") { clients.allSatisfy { $0.state.level == .down } }
            #expect(limiters[0].consumeImmediately(0, by: someone)?.mode == .local)
            server.resume()
            for (limiter, client) in zip(limiters, clients) {
                try await eventually("connected") { client.state.level == .connected }
                try await eventually("Redis decides again") { await limiter.consume(0, by: someone).mode == .global }
            }
        }
    }

    @Test(
        "admit no more than the budget and what it earns, in Redis and in all shares together, while it stalls under load"
    )
    func stallUnderLoad() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 400, window: 2)
        try await withLimiters(4, server.configuration, policy, deadline: .milliseconds(25)) {
            limiters,
            clients async throws in
            let start = try await clients[0].time()
            let localStart = ContinuousClock.now
            let end = localStart + .seconds(3)
            let admitted = try await withThrowingTaskGroup(of: [Verdict.Mode: Int].self) { group in
                for index in 0..<8 {
                    group.addTask {
                        var admitted: [Verdict.Mode: Int] = [:]
                        while ContinuousClock.now < end {
                            let verdict = await limiters[index % 4].consume(1 + index % 3, by: someone)
                            if verdict.isAllowed { admitted[verdict.mode, default: 0] += verdict.cost }
                            if let retryAfter = verdict.retryAfter { try await Task.sleep(for: retryAfter) }
                        }
                        return admitted
                    }
                }
                try await Task.sleep(for: .milliseconds(700))
                server.stop()
                try await Task.sleep(for: .milliseconds(700))
                server.resume()
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            let localElapsed = Int128((ContinuousClock.now - localStart) / .microseconds(1)) + 1
            try await eventually("connected") { clients[0].state.level == .connected }
            let elapsed = Int128(try await clients[0].time() - start)
            #expect(Int128(admitted[.global, default: 0]) * 2_000_000 <= 400 * (2_000_000 + elapsed))
            #expect(Int128(admitted[.local, default: 0]) * 2_000_000 <= 400 * (2_000_000 + localElapsed))
            // Both have had their part.
            #expect(admitted[.global, default: 0] > 400 && admitted[.local, default: 0] > 0, "\(admitted)")
        }
    }

    @Test("a process that shuts down is no longer counted at once")
    func leaving() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 60)
        try await withClients(1, server.configuration.patient) { clients async throws in
            let limiter = RateLimiter(policy: policy, redis: clients[0], clientLimit: 64)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [limiter],
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                )
            )
            let members = RedisCommand("ZCARD", [RESPArgument(ProcessRegistry.key)], keys: 0..<1)
            async let services: Void = group.run()
            try await eventually("it is counted") {
                try await clients[0].send(members, timeout: .seconds(10)).integer == 1
            }
            await group.triggerGracefulShutdown()
            try await services
            #expect(try await clients[0].send(members, timeout: .seconds(10)).integer == 0)
        }
    }

    @Test("start without it, each with the whole budget because nobody else was seen")
    func absentAtStart() async throws {
        let redis = StandInRedis()
        redis.set(.down)
        redis.set(.fails(.notConnected))
        let limiter = RateLimiter(policy: try TokenBucketPolicy(budget: 10, window: 60), redis: redis, clientLimit: 64)
        #expect(limiter.consumeImmediately(10, by: someone)?.isAllowed == true)
        #expect(limiter.processCount == 1)
    }

    @Test("processes that fall silent, or lived in another time, are no longer counted")
    func silentProcesses() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 60)
        try await withClients(1, server.configuration.patient) { clients async throws in
            let now = try await clients[0].time() / 1000
            for (score, name) in [(now - 15_001, "silent"), (now - 10_000, "alive"), (now + 60_000, "future")] {
                let words: [RESPArgument] = [
                    RESPArgument(ProcessRegistry.key), RESPArgument(Int(score)), RESPArgument(name),
                ]
                _ = try await clients[0].send(RedisCommand("ZADD", words, keys: 0..<1, isWrite: true))
            }
            let limiter = RateLimiter(policy: policy, redis: clients[0], clientLimit: 64)
            let service = Task { await limiter.run() }
            try await eventually("two are alive") { limiter.processCount == 2 }
            service.cancel()
            await service.value
        }
    }
}
