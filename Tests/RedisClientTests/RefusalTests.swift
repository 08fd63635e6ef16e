import NIOCore
import RESP
import TestSupport
import Testing

@testable import RedisClient

@Suite("A server that refuses")
struct RefusalTests {
    @Test(
        "refusals bear their code",
        arguments: [
            ("-LOADING Redis is loading the dataset in memory\r\n", RedisReplyCode.loading),
            ("-READONLY You can't write against a read only replica.\r\n", .readOnly),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", .outOfMemory),
            ("-MASTERDOWN Link with MASTER is down\r\n", .masterDown),
            ("-CLUSTERDOWN The cluster is down\r\n", .clusterDown),
            ("-BUSY Redis is busy running a script.\r\n", .busy),
            ("!21\r\nSYNTAX invalid syntax\r\n", .other("SYNTAX")),
        ]
    )
    func codes(wire: String, code: RedisReplyCode) async throws {
        let server = try await FakeServer.start { _ in .write(wire) }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(await client.failure(of: .set("k", "v"), timeout: .seconds(5))?.code == .reply(code))
        }
    }

    @Test(
        "a server that loads its data opens the circuit",
        arguments: ["LOADING", "MASTERDOWN", "BUSY"]
    )
    func unavailable(word: String) async throws {
        let server = try await FakeServer.start { _ in .write("-\(word) for now\r\n") }
        var configuration = server.configuration
        configuration.breaker.openDuration = .seconds(60)
        configuration.breaker.maximumOpenDuration = .seconds(60)
        configuration.backoff.base = .seconds(60)
        configuration.backoff.maximum = .seconds(60)
        try await withConnectedClient(configuration) { client async throws in
            for _ in 0..<5 { _ = await client.failure(of: .get("k"), timeout: .seconds(5)) }
            #expect(client.state == RedisState(.down, reason: "\(word) for now"))
            #expect(await client.failure(of: .get("k"))?.code == .circuitOpen)
        }
    }

    @Test("probes close the circuit when the server is well again, with no caller's help")
    func recovery() async throws {
        let isIll = Flag()
        let isWell = Flag()
        let server = try await FakeServer.start(answersHandshake: false) { words in
            if words.first == "HELLO" { return .write("%0\r\n") }
            return .write(isIll.isSet && !isWell.isSet ? "-BUSY Redis is busy\r\n" : "+PONG\r\n")
        }
        var configuration = server.configuration
        configuration.breaker.openDuration = .milliseconds(10)
        let observer = RecordingObserver()
        try await withConnectedClient(configuration, observer: observer) { client async throws in
            isIll.set()
            for _ in 0..<5 { _ = await client.failure(of: .get("k"), timeout: .seconds(5)) }
            #expect(client.state.level == .down)
            isWell.set()
            try await eventually("connected") { client.state.level == .connected }
            #expect(observer.counts.states == [.connected, .down, .connected])
            #expect(server.connectionCount == 1)
        }
    }

    @Test("a node whose cluster is down is down, though it answers to PING, until it serves a key")
    func clusterDown() async throws {
        let isWell = Flag()
        let server = try await FakeServer.start { _ in
            .write(isWell.isSet ? "$1\r\nv\r\n" : "-CLUSTERDOWN The cluster is down\r\n")
        }
        try await withConnectedClient(server.configuration) { client async throws in
            for _ in 0..<10 {
                #expect(await client.failure(of: .get("k"), timeout: .seconds(5))?.code == .reply(.clusterDown))
            }
            #expect(client.state == RedisState(.down, reason: "CLUSTERDOWN The cluster is down"))
            isWell.set()
            #expect(try await client.reply(.get("k")).text == "v")
            #expect(client.state.level == .connected)
        }
    }

    @Test("a server that is loading when it is connected to is down for that reason until it has loaded")
    func loadingAtStart() async throws {
        let isLoaded = Flag()
        let server = try await FakeServer.start(answersHandshake: false) { words in
            if words.first == "HELLO" { return .write("%0\r\n") }
            return .write(isLoaded.isSet ? "+PONG\r\n" : "-LOADING Redis is loading\r\n")
        }
        try await withClient(server.configuration) { client async throws in
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("LOADING") == true)
            isLoaded.set()
            try await eventually("connected") { client.state.level == .connected }
        }
    }

    @Test("a full server is degraded: reads are served, the circuit stays closed, one line is logged")
    func full() async throws {
        let server = try await FakeServer.start { words in
            words.first == "SET" ? .write("-OOM command not allowed\r\n") : .write("$1\r\nv\r\n")
        }
        let log = LogRecorder()
        try await withConnectedClient(server.configuration, log: log) { client async throws in
            for _ in 0..<20 {
                #expect(await client.failure(of: .set("k", "v"), timeout: .seconds(5))?.code == .reply(.outOfMemory))
                #expect(try await client.reply(.get("k")).text == "v")
            }
            #expect(client.state == RedisState(.degraded, reason: "OOM command not allowed"))
            #expect(
                log.lines == ["info Redis is connected", "warning Redis is degraded reason=OOM command not allowed"]
            )
        }
    }

    @Test("a replica is left for another connection, and serves until that is there")
    func readOnly() async throws {
        let connections = Counter()
        let server = try await FakeServer.start { words in
            if words.first == "SET" {
                return connections.next() == 1 ? .write("-READONLY replica\r\n") : .write("+OK\r\n")
            }
            return .write("$1\r\nv\r\n")
        }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(await client.failure(of: .set("k", "v"), timeout: .seconds(5))?.code == .reply(.readOnly))
            #expect(client.state.level == .degraded)
            try await eventually("another connection") {
                let value = try await client.reply(.get("k"))
                #expect(value.text == "v")
                return server.connectionCount == 2
            }
            #expect(try await client.reply(.set("k", "v")).text == "OK")
        }
    }
}
