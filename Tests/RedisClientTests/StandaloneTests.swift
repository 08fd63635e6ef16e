import Foundation
import NIOCore
import NIOPosix
import RESP
import RedisTestSupport
import ServiceLifecycle
import TestSupport
import Testing

@testable import RedisClient

@Suite("A client of one server")
struct StandaloneTests {
    @Test("commands get their replies")
    func commands() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(try await client.reply(.get("k")) == .null)
            #expect(try await client.reply(.set("k", "v", expiringAfter: 60)).text == "OK")
            #expect(try await client.reply(.get("k")).text == "v")
            #expect(try await client.reply(.set("k", "w", expiringAfter: 60, .ifAbsent)) == .null)
            #expect(try await client.reply(RedisCommand("TTL", ["k"])).integer == 60)
            #expect(try await client.reply(.delete("k", "l")) == .integer(1))
        }
    }

    @Test("a value of a megabyte comes back as it went, with every byte there is")
    func largeValue() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            let value = ByteBuffer(bytes: (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            _ = try await client.reply(.set("k", RESPArgument(value)))
            #expect(try await client.reply(.get("k")).bytes == value)
        }
    }

    @Test("a pipeline has a result for each command, errors among them")
    func pipeline() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            let results = await client.perform(
                [.set("k", "v"), RedisCommand("INCR", ["k"]), RedisCommand("LPUSH", ["k", "v"]), .get("k")],
                timeout: .seconds(10)
            )
            #expect(try results[0].get().text == "OK")
            #expect(throws: RedisError.self) { try results[1].get() }
            guard case .failure(let error) = results[2] else {
                Issue.record("no error")
                return
            }
            #expect(error.code == .reply(.wrongType))
            #expect(error.command == "LPUSH")
            #expect(try results[3].get().text == "v")
            #expect(await client.perform([], timeout: nil).isEmpty)
        }
    }

    @Test("thousands of calls at once each get their own reply over two connections")
    func concurrency() async throws {
        let server = try await RedisServer()
        var configuration = server.configuration
        configuration.connectionCount = 2
        try await withConnectedClient(configuration) { client async throws in
            await withTaskGroup(of: Bool.self) { group in
                for index in 0..<3000 {
                    group.addTask {
                        let echo = RedisCommand("ECHO", [RESPArgument(index)])
                        return (try? await client.reply(echo).integer) == Int64(index)
                    }
                }
                #expect(await group.allSatisfy { $0 })
            }
            #expect(client.inFlightCount == 0)
        }
    }

    @Test("a script is sent with its source once and by its digest after that")
    func scripts() async throws {
        let server = try await RedisServer()
        let observer = RecordingObserver()
        try await withConnectedClient(server.configuration, observer: observer) { client async throws in
            let script = RedisScript("return {KEYS[1], ARGV[1], 2^53 == 9007199254740992 and 1 or 0}")
            for _ in 0..<3 {
                let reply = try await client.evaluate(script, keys: ["k"], arguments: ["a"], timeout: .seconds(10))
                #expect(reply.elements?.map(\.text) == ["k", "a", nil])
            }
            #expect(observer.counts.calls["EVALSHA"] == 3)
            #expect(observer.counts.calls["EVAL"] == 1)
            #expect(observer.counts.failures == [.reply(.noScript): 1])
        }
    }

    @Test("a call that is cancelled ends at once, and the next gets its own reply")
    func cancellation() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            let blocked = Task {
                await client.failure(of: RedisCommand("BLPOP", ["empty", 1]), timeout: .seconds(30))
            }
            try await eventually("the call is in flight") { client.inFlightCount == 1 }
            blocked.cancel()
            #expect(await blocked.value?.code == .cancelled)
            #expect(try await client.reply(RedisCommand("ECHO", ["x"])).text == "x")
        }
    }

    @Test("a call that runs out of time keeps its place, so that later replies are not mistaken for it")
    func expiry() async throws {
        let server = try await RedisServer()
        var configuration = server.configuration
        configuration.timeouts.silence = .seconds(30)
        try await withConnectedClient(configuration) { client async throws in
            let blocking = RedisCommand("BLPOP", ["empty", "2"])
            let start = ContinuousClock.now
            #expect(await client.failure(of: blocking, timeout: .milliseconds(200))?.code == .timeout)
            #expect(ContinuousClock.now - start < .milliseconds(1800))
            #expect(client.inFlightCount == 1)
            #expect(try await client.reply(RedisCommand("ECHO", ["x"])).text == "x")
        }
    }

    @Test("a queue that is full refuses at once, by count and by bytes")
    func bounds() async throws {
        let server = try await RedisServer()
        var configuration = server.configuration
        configuration.limits.inFlightCommands = 2
        configuration.limits.inFlightBytes = 2000
        try await withConnectedClient(configuration) { client async throws in
            let large = RESPArgument(String(repeating: "x", count: 3000))
            #expect(await client.failure(of: .set("k", large), timeout: .seconds(10))?.code == .queueFull)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        _ = await client.failure(of: RedisCommand("BLPOP", ["k", 1]), timeout: .seconds(9))
                    }
                }
                try? await eventually("two are in flight") { client.inFlightCount == 2 }
                let error = await client.failure(of: .get("k"), timeout: .seconds(9))
                #expect(error?.code == .queueFull)
                #expect(error?.description.contains("2 commands are in flight") == true)
            }
            #expect(try await client.reply(.get("k")) == .null)
        }
    }

    @Test("the connection bears the client's name and speaks version 3")
    func clientName() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            let info = try await client.reply(RedisCommand("CLIENT", ["INFO"])).text
            #expect(info?.contains("name=fibonacci-api") == true)
            #expect(info?.contains("resp=3") == true)
        }
    }

    @Test("a server without HELLO is spoken to in version 2")
    func version2() async throws {
        let server = try await RedisServer(["--rename-command", "HELLO", "", "--requirepass", "p w:d/%"])
        var configuration = try RedisConfiguration(url: "redis://:p%20w%3Ad%2F%25@127.0.0.1:\(server.port)/3")
        configuration.clientName = "old"
        try await withConnectedClient(configuration) { client async throws in
            let info = try await client.reply(RedisCommand("CLIENT", ["INFO"])).text
            #expect(info?.contains("name=old") == true)
            #expect(info?.contains("resp=2") == true)
            #expect(info?.contains("db=3") == true)
            #expect(try await client.reply(.get("k")) == .null)
        }
    }

    @Test("a user of an access list gets what it may and is told what it may not")
    func accessList() async throws {
        let server = try await RedisServer(users: "user ada on >hunter2 ~fib:* +get +set +ping\n")
        let url = "redis://ada:hunter2@127.0.0.1:\(server.port)"
        try await withConnectedClient(RedisConfiguration(url: url)) { client async throws in
            #expect(try await client.reply(.get("fib:1")) == .null)
            #expect(await client.failure(of: .get("other"), timeout: .seconds(10))?.code == .reply(.noPermission))
            #expect(await client.failure(of: .delete("fib:1"), timeout: .seconds(10))?.code == .reply(.noPermission))
        }
    }

    @Test(
        "a wrong or a missing password means down, with a reason in which no password is",
        arguments: ["redis://ada:hunter3-secret@", "redis://:hunter3-secret@", "redis://"]
    )
    func wrongPassword(prefix: String) async throws {
        let server = try await RedisServer(
            users: "user ada on >hunter2 ~* +@all\nuser default on >right ~* +@all\n"
        )
        let log = LogRecorder()
        try await withClient(RedisConfiguration(url: "\(prefix)127.0.0.1:\(server.port)"), log: log) {
            client async throws in
            try await eventually("down") { client.state.level == .down }
            let error = await client.failure(of: .get("k"))
            #expect(error?.code == .notConnected)
            let said = [client.state.description, error?.description ?? ""] + log.lines
            #expect(said.allSatisfy { $0.contains("WRONGPASS") || $0.contains("NOAUTH") })
            #expect(said.allSatisfy { !$0.contains("secret") && !$0.contains("hunter") })
            #expect(log.lines.count == 1)
        }
    }

    @Test("as a service it ends at once while a server keeps it waiting in the handshake")
    func shutdownWhileConnecting() async throws {
        let server = try await FakeServer.start(answersHandshake: false) { _ in .nothing }
        var configuration = server.configuration
        configuration.timeouts.connect = .seconds(60)
        let start = ContinuousClock.now
        try await withClient(configuration) { _ in
            try await eventually("it is connecting") { server.connectionCount == 1 }
        }
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("as a service it ends with a graceful shutdown, after the replies that are owed")
    func gracefulShutdown() async throws {
        let server = try await RedisServer()
        let log = LogRecorder()
        let client = try RedisStandaloneClient(
            configuration: server.configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: log.logger
        )
        let group = ServiceGroup(configuration: .init(services: [.init(service: client)], logger: log.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await eventually("connected") { client.state.level == .connected }
            let owed = Task {
                try await client.reply(RedisCommand("BLPOP", ["empty", "0.2"]))
            }
            try await eventually("in flight") { client.inFlightCount == 1 }
            await group.triggerGracefulShutdown()
            #expect(try await owed.value == .null)
            try await tasks.waitForAll()
            #expect(await client.failure(of: .get("k"))?.code == .shutDown)
        }
    }
}
