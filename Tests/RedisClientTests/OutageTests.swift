import NIOCore
import RESP
import RedisTestSupport
import TestSupport
import Testing

@testable import RedisClient

@Suite("A server that goes and comes back")
struct OutageTests {
    @Test("a client starts without a server, fails calls at once and connects when it is there")
    func absentAtStart() async throws {
        let server = try await RedisServer()
        server.kill()
        try await eventually("gone") { await !FreePort.isListening(server.port) }
        let log = LogRecorder()
        try await withClient(server.configuration, log: log) { client async throws in
            try await eventually("down") { client.state.level == .down }
            let start = ContinuousClock.now
            for _ in 0..<1000 { #expect(await client.failure(of: .get("k"))?.code == .notConnected) }
            #expect(ContinuousClock.now - start < .seconds(2))
            try await server.restart()
            try await eventually("connected") { client.state.level == .connected }
            #expect(try await client.reply(.get("k")) == .null)
            #expect(log.lines.count == 2)
            #expect(log.lines.first?.contains("Connection refused") == true)
        }
    }

    @Test("a killed server means failures without delay; after its restart calls succeed again by themselves")
    func killAndRestart() async throws {
        let server = try await RedisServer()
        let log = LogRecorder()
        let observer = RecordingObserver()
        try await withConnectedClient(server.configuration, log: log, observer: observer) { client async throws in
            #expect(try await client.reply(.set("k", "v")).text == "OK")
            server.kill()
            try await eventually("down") {
                _ = await client.failure(of: .get("k"))
                return client.state.level == .down
            }
            try await server.restart()
            let start = ContinuousClock.now
            try await eventually("connected") { client.state.level == .connected }
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(try await client.reply(.get("k")) == .null)
            #expect(observer.counts.states == [.connected, .down, .connected])
            #expect(observer.counts.opened == 2)
            #expect(log.lines.count == 3)
        }
    }

    @Test("a stopped server opens the circuit; when it goes on, so do calls, and none gets another's reply")
    func stopAndContinue() async throws {
        let server = try await RedisServer()
        try await withConnectedClient(server.configuration) { client async throws in
            for index in 0..<20 {
                #expect(try await client.reply(.set("k\(index)", RESPArgument(index))).text == "OK")
            }
            server.stop()
            var codes: [RedisError.Code: Int] = [:]
            for index in 0..<200 {
                guard let error = await client.failure(of: .get("k\(index % 20)"), timeout: .milliseconds(100)) else {
                    Issue.record("a stopped server has replied")
                    continue
                }
                codes[error.code, default: 0] += 1
            }
            // Five wait for their deadlines; all others fail without waiting.
            #expect(codes[.timeout] == 5, "\(codes)")
            #expect(client.state.level == .down)
            server.resume()
            try await eventually("connected") { client.state.level == .connected }
            for index in 0..<20 { #expect(try await client.reply(.get("k\(index)")).integer == Int64(index)) }
        }
    }

    @Test("a server that stays stopped is given up, and a new connection is tried")
    func staysStopped() async throws {
        let server = try await RedisServer()
        var configuration = server.configuration
        configuration.timeouts.keepAlive = .milliseconds(100)
        configuration.timeouts.silence = .milliseconds(200)
        configuration.timeouts.connect = .milliseconds(200)
        try await withConnectedClient(configuration) { client async throws in
            server.stop()
            try await eventually("a handshake has failed") {
                client.state.reason?.contains("handshake") == true
            }
            server.resume()
            try await eventually("connected") { client.state.level == .connected }
            #expect(try await client.reply(.get("k")) == .null)
        }
    }

    @Test("under a steady load a kill and a restart never give a wrong reply, and the load goes on after it")
    func steadyLoad() async throws {
        let server = try await RedisServer()
        var configuration = server.configuration
        configuration.connectionCount = 2
        try await withConnectedClient(configuration) { client async throws in
            let isOver = Flag()
            let successes = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var turn = 0
                        while !isOver.isSet {
                            turn += 1
                            let text = "\(worker).\(turn)"
                            do throws(RedisError) {
                                let reply = try await client.send(RedisCommand("ECHO", [RESPArgument(text)]))
                                #expect(reply.text == text)
                                _ = successes.next()
                            } catch {
                                // Lest failing calls take the whole machine.
                                try await Task.sleep(for: .milliseconds(2))
                            }
                        }
                    }
                }
                try await eventually("the load runs") { successes.current > 200 }
                server.kill()
                try await eventually("down") { client.state.level == .down }
                try await server.restart()
                let before = successes.current
                try await eventually("the load goes on") { successes.current > before + 200 }
                isOver.set()
                try await group.waitForAll()
            }
        }
    }
}
