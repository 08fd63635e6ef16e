import NIOCore
import RESP
import TestSupport
import Testing

@testable import RedisClient

@Suite("A server that misbehaves")
struct MisbehaviourTests {
    /// The first failure of a `GET` on a connection that is well until then, and the state it leads to.
    private func failure(answer: FakeServer.Answer, timeout: Duration = .seconds(5)) async throws -> RedisError? {
        let server = try await FakeServer.start { _ in answer }
        return try await withConnectedClient(server.configuration) { client in
            await client.failure(of: .get("k"), timeout: timeout)
        }
    }

    @Test(
        "bytes that are no reply end the connection, and the call says so",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{0}\u{1}\u{2}", "$-7\r\n", "*2\r\n:1\r\n?", ":12x\r\n",
            "$5\r\nabcdefg\r\n",
        ]
    )
    func garbage(bytes: String) async throws {
        #expect(try await failure(answer: .write(bytes))?.code == .protocolViolation)
    }

    @Test(
        "lengths beyond the limits end the connection before memory is taken",
        arguments: ["$9223372036854775807\r\n", "$999999999\r\n", "*2147483647\r\n", "%4611686018427387904\r\n"]
    )
    func hugeLengths(bytes: String) async throws {
        let error = try await failure(answer: .write(bytes))
        #expect(error?.code == .protocolViolation)
        #expect(error?.description.contains("limit") == true)
    }

    @Test("a reply to nothing ends the connection")
    func unsolicited() async throws {
        let server = try await FakeServer.start { _ in .write("+one\r\n+two\r\n") }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(try await client.reply(.get("k")).text == "one")
            try await eventually("another connection") { server.connectionCount == 2 }
        }
    }

    @Test("a message that answers nothing is no reply")
    func push() async throws {
        let server = try await FakeServer.start { _ in .write(">2\r\n+message\r\n+x\r\n$1\r\nv\r\n") }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(try await client.reply(.get("k")).text == "v")
        }
    }

    @Test("a server that never replies costs each call its deadline until the circuit opens, and nothing after")
    func neverReplies() async throws {
        let server = try await FakeServer.start { _ in .nothing }
        let log = LogRecorder()
        var configuration = server.configuration
        configuration.breaker.openDuration = .seconds(60)
        configuration.breaker.maximumOpenDuration = .seconds(60)
        configuration.timeouts.silence = .seconds(60)
        try await withConnectedClient(configuration, log: log) { client async throws in
            var timeouts = 0
            try await eventually("down") {
                // On a busy machine a call's time may be over before it is sent; that says nothing of the server.
                let code = await client.failure(of: .get("k"), timeout: .milliseconds(100))?.code
                if code == .timeout { timeouts += 1 }
                return client.state.level == .down
            }
            #expect(timeouts == 5)
            let start = ContinuousClock.now
            for _ in 0..<1000 { #expect(await client.failure(of: .get("k"))?.code == .circuitOpen) }
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(log.lines.count == 2)
            #expect(log.lines.last?.contains("no reply in time") == true)
        }
    }

    @Test("a reply that comes after its deadline goes to nobody")
    func slow() async throws {
        let server = try await FakeServer.start { words in
            words.last == "slow" ? .writeLater(.milliseconds(600), "$4\r\nslow\r\n") : .write("$4\r\nfast\r\n")
        }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(await client.failure(of: .get("slow"), timeout: .milliseconds(200))?.code == .timeout)
            try await eventually("the late reply has come") { client.inFlightCount == 0 }
            #expect(try await client.reply(.get("fast")).text == "fast")
        }
    }

    @Test("a reply in single bytes is whole in the end")
    func trickle() async throws {
        let server = try await FakeServer.start { _ in .trickle(.milliseconds(1), "*2\r\n$5\r\nhello\r\n:42\r\n") }
        try await withConnectedClient(server.configuration) { client async throws in
            #expect(try await client.reply(.get("k")).elements?.count == 2)
        }
    }

    @Test("half a reply and then silence ends with the deadline, and then the connection with it")
    func halfReply() async throws {
        let server = try await FakeServer.start { _ in .write("$10\r\nhal") }
        var configuration = server.configuration
        configuration.timeouts.silence = .milliseconds(100)
        try await withConnectedClient(configuration) { client async throws in
            try await eventually("another connection") {
                #expect(await client.failure(of: .get("k"), timeout: .milliseconds(25)) != nil)
                return server.connectionCount >= 2
            }
        }
    }

    @Test("half a reply and then the end is a lost connection")
    func halfReplyAndClose() async throws {
        #expect(try await failure(answer: .writeAndClose("$10\r\nhal"))?.code == .connectionClosed)
    }

    @Test("every call in flight fails when the connection is lost, the answered ones do not")
    func lostConnection() async throws {
        let server = try await FakeServer.start { words in
            words.last == "end" ? .writeAndClose("") : .nothing
        }
        try await withConnectedClient(server.configuration) { client async throws in
            let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
                for _ in 0..<4 { group.addTask { await client.failure(of: .get("k"), timeout: .seconds(10))?.code } }
                try? await eventually("four are in flight") { client.inFlightCount == 4 }
                group.addTask { await client.failure(of: .get("end"), timeout: .seconds(10))?.code }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == Array(repeating: .connectionClosed, count: 5))
        }
    }

    @Test("a server that closes each connection at once is not hammered")
    func closesAtOnce() async throws {
        let server = try await FakeServer.start(closesAtOnce: true) { _ in .nothing }
        try await withClient(server.configuration) { client async throws in
            try await eventually("three attempts") { server.connectionCount >= 3 }
            #expect(client.state.level == .down)
            let start = ContinuousClock.now
            let before = server.connectionCount
            try await eventually("two more") { server.connectionCount >= before + 2 }
            #expect(ContinuousClock.now - start > .milliseconds(150))
        }
    }

    @Test("a server that closes each connection right after the handshake is not hammered")
    func closesAfterHandshake() async throws {
        let server = try await FakeServer.start(answersHandshake: false) { words in
            words.first == "HELLO" ? .write("%0\r\n") : .writeAndClose("+PONG\r\n")
        }
        try await withClient(server.configuration) { client async throws in
            try await eventually("four connections") { server.connectionCount >= 4 }
            let start = ContinuousClock.now
            try await eventually("six connections") { server.connectionCount >= 6 }
            #expect(ContinuousClock.now - start > .milliseconds(300))
        }
    }

    @Test("a server that takes connections and says nothing is down after the time for connecting")
    func silentHandshake() async throws {
        let server = try await FakeServer.start(answersHandshake: false) { _ in .nothing }
        var configuration = server.configuration
        configuration.timeouts.connect = .milliseconds(500)
        try await withClient(configuration) { client async throws in
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("did not answer the handshake") == true)
        }
    }

    @Test("a server that speaks before it is asked is refused")
    func greeting() async throws {
        let server = try await FakeServer.start(greetsFirst: "SSH-2.0-OpenSSH_9.2\r\n") { _ in .nothing }
        try await withClient(server.configuration) { client async throws in
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("not a Redis reply") == true)
        }
    }

    @Test("an idle connection is kept alive; when the server has gone silent, it is replaced")
    func keepAlive() async throws {
        let pings = Counter()
        let server = try await FakeServer.start(answersHandshake: false) { words in
            if words.first == "HELLO" { return .write("%0\r\n") }
            // The second PING of a connection is a keep-alive.
            return pings.next() % 2 == 1 ? .write("+PONG\r\n") : .nothing
        }
        var configuration = server.configuration
        configuration.timeouts.keepAlive = .milliseconds(50)
        configuration.timeouts.silence = .milliseconds(50)
        try await withConnectedClient(configuration) { client async throws in
            try await eventually("a second connection") { server.connectionCount >= 2 }
        }
    }

    @Test("a server that repeats the password is not quoted")
    func echoedPassword() async throws {
        let server = try await FakeServer.start(answersHandshake: false) { words in
            .write("-ERR no: \(words.joined(separator: " "))\r\n")
        }
        var configuration = try RedisConfiguration(url: "redis://ada:s3cr3t@127.0.0.1:\(server.port)")
        configuration.timeouts.connect = .milliseconds(500)
        let log = LogRecorder()
        try await withClient(configuration, log: log) { client async throws in
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("the server refused HELLO") == true)
            #expect(!"\(client.state) \(log.lines)".contains("s3cr3t"))
        }
    }
}
