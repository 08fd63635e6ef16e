import NIOCore
import RESP
import RedisTestSupport
import TestSupport
import Testing

@testable import RedisClient

@Suite("A real server that refuses")
struct RealRefusalTests {
    @Test("a full server refuses writes, serves reads and is degraded")
    func full() async throws {
        let server = try await RedisServer(["--maxmemory", "1", "--maxmemory-policy", "noeviction"])
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(await client.failure(of: .set("k", "v"), timeout: .seconds(5))?.code == .reply(.outOfMemory))
            #expect(try await client.reply(.get("k")) == .null)
            #expect(client.state.level == .degraded)
            #expect(client.state.reason?.hasPrefix("OOM") == true)
        }
    }

    @Test("a replica refuses writes; when it becomes a master, they succeed again")
    func replica() async throws {
        let master = try await RedisServer()
        let replica = try await RedisServer(["--replicaof", "127.0.0.1", "\(master.port)"])
        try await withConnectedClient(replica.configuration) { client async throws in
            #expect(await client.failure(of: .set("k", "v"), timeout: .seconds(5))?.code == .reply(.readOnly))
            #expect(try await client.reply(.get("k")) == .null)
            #expect(client.state.level == .degraded)
            #expect(try await client.reply(RedisCommand("REPLICAOF", ["NO", "ONE"])).text == "OK")
            #expect(try await client.reply(.set("k", "v")).text == "OK")
        }
    }

    @Test("a replica that has lost its master and serves no old data is down")
    func masterDown() async throws {
        let port = try await FreePort.find()
        let replica = try await RedisServer([
            "--replicaof", "127.0.0.1", "\(port)", "--replica-serve-stale-data", "no",
        ])
        try await withClient(replica.configuration) { client async throws in
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("MASTERDOWN") == true)
        }
    }

    @Test("a script that holds the server means BUSY, and calls succeed again by themselves when it is killed")
    func busy() async throws {
        let server = try await RedisServer(["--lua-time-limit", "10"])
        var configuration = server.configuration
        configuration.timeouts.silence = .milliseconds(300)
        try await withConnectedClient(configuration) { client async throws in
            let endless = RedisScript("while true do end", isWrite: false)
            do throws(RedisError) {
                _ = try await client.evaluate(endless, keys: [], timeout: .milliseconds(300))
                Issue.record("an endless script has ended")
            } catch {
                #expect(error.code == .timeout)
            }
            try await eventually("down, for it is busy") {
                _ = await client.failure(of: .get("k"), timeout: .milliseconds(50))
                return client.state.level == .down && client.state.reason?.contains("BUSY") == true
            }
            try await LocalProgram.run("redis-cli", ["-p", "\(server.port)", "SCRIPT", "KILL"])
            try await eventually("connected") { client.state.level == .connected }
            #expect(try await client.reply(.get("k")) == .null)
        }
    }

    @Test("a connection that the server kills is replaced")
    func killedConnection() async throws {
        let server = try await RedisServer()
        let observer = RecordingObserver()
        try await withConnectedClient(server.configuration, observer: observer) { client async throws in
            try await LocalProgram.run("redis-cli", ["-p", "\(server.port)", "CLIENT", "KILL", "TYPE", "normal"])
            try await eventually("another connection") { observer.counts.opened == 2 }
            #expect(try await client.reply(.get("k")) == .null)
        }
    }
}
