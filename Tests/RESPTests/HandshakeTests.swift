import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("RESP handshake")
struct HandshakeTests {
    private typealias Machine = RESPConnectionStateMachine<String>
    private static let now = NIODeadline.uptimeNanoseconds(1 << 40)
    private static let timing = RESPConnectionTiming(
        handshakeTimeout: .seconds(1),
        keepAliveInterval: .seconds(10),
        silenceTimeout: .seconds(2),
        closeTimeout: .seconds(3)
    )

    /// Plays `replies` to a handshake and lists what is sent and how it ends.
    private func transcript(_ handshake: RESPHandshake, replies: [RESPValue]) -> [String] {
        var machine = Machine(handshake: handshake, timing: Self.timing, now: Self.now)
        var lines = machine.openingCommands.map(Self.text)
        for reply in replies {
            switch machine.received(reply, at: Self.now) {
            case .write(let commands): lines += commands.map(Self.text)
            case .ready(let greeting): lines.append("ready: version \(greeting.protocolVersion)")
            case .close(let fault): lines.append("close: \(fault)")
            case .drop, .push: break
            case .reply: lines.append("reply")
            }
        }
        return lines
    }

    private static func text(_ words: [RESPArgument]) -> String {
        words.map { word in word.withBytes { String(decoding: Array($0), as: UTF8.self) } }.joined(separator: " ")
    }

    private let unknown = RESPValue.error(RESPError(text: "ERR unknown command 'HELLO'"))
    private let ok = RESPValue.simpleString("OK")
    private let pong = RESPValue.simpleString("PONG")
    private let full = RESPHandshake(
        credentials: .init(user: "ada", password: "pw"),
        clientName: "fib",
        database: 3
    )

    @Test("a server of today gets everything in HELLO, then SELECT and PING")
    func version3() {
        #expect(
            transcript(full, replies: [.map(RESPMap(entries: [])), ok, pong]) == [
                "HELLO 3 AUTH ada pw SETNAME fib", "SELECT 3", "PING", "ready: version 3",
            ]
        )
    }

    @Test("a password without a user is the default user's")
    func defaultUser() {
        let handshake = RESPHandshake(credentials: .init(user: nil, password: "pw"))
        #expect(transcript(handshake, replies: []) == ["HELLO 3 AUTH default pw"])
        #expect(
            transcript(handshake, replies: [unknown, ok, pong]) == [
                "HELLO 3 AUTH default pw", "AUTH pw", "PING", "ready: version 2",
            ]
        )
    }

    @Test("nothing is sent that is not needed")
    func minimal() {
        #expect(
            transcript(RESPHandshake(), replies: [.map(RESPMap(entries: [])), pong]) == [
                "HELLO 3", "PING", "ready: version 3",
            ]
        )
    }

    @Test(
        "a server without HELLO, without version 3 or with a ban on HELLO is asked in version 2",
        arguments: [
            "ERR unknown command `HELLO`, with args beginning with: `3`", "NOPROTO unsupported protocol version",
            "NOPERM this user has no permissions to run the 'hello' command",
        ]
    )
    func version2(refusal: String) {
        #expect(
            transcript(full, replies: [.error(RESPError(text: refusal)), ok, ok, ok, pong]) == [
                "HELLO 3 AUTH ada pw SETNAME fib", "AUTH ada pw", "CLIENT SETNAME fib", "SELECT 3", "PING",
                "ready: version 2",
            ]
        )
    }

    @Test("a name that is refused does no harm")
    func nameRefused() {
        let refused = RESPValue.error(RESPError(text: "NOPERM no client command"))
        #expect(transcript(full, replies: [unknown, ok, refused, ok, pong]).last == "ready: version 2")
    }

    @Test(
        "a refusal of anything else ends the connection and says which step it was",
        arguments: [
            (["WRONGPASS invalid"], "close: the server refused HELLO: WRONGPASS invalid"),
            (["ERR unknown command", "ERR invalid password"], "close: the server refused AUTH: ERR invalid password"),
        ]
    )
    func refused(errors: [String], end: String) {
        let replies = errors.map { RESPValue.error(RESPError(text: $0)) }
        #expect(transcript(full, replies: replies).last == end)
    }

    @Test("a server that loads its data is not ready")
    func loading() {
        let loading = RESPValue.error(RESPError(text: "LOADING in memory"))
        #expect(
            transcript(RESPHandshake(), replies: [.map(RESPMap(entries: [])), loading]).last
                == "close: the server refused PING: LOADING in memory"
        )
    }

    @Test("whatever a server answers, there is an action, and at most one end", arguments: UInt64(0)..<50)
    func nonsense(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let candidates: [RESPValue] = [
            ok, pong, unknown, .null, .integer(1), .array([]), .map(RESPMap(entries: [])), .push([]), .boolean(false),
            .error(RESPError(text: "")), .error(RESPError(text: "NOPERM")), .error(RESPError(text: "WRONGPASS no")),
        ]
        for _ in 0..<50 {
            let replies = (0..<12).map { _ in candidates.randomElement(using: &generator) ?? .null }
            let ready = transcript(full, replies: replies).count { $0.hasPrefix("ready") }
            #expect(ready <= 1)
        }
    }

    @Test("what a server says of itself is kept")
    func greeting() {
        var machine = Machine(handshake: RESPHandshake(), timing: Self.timing, now: Self.now)
        let hello: [RESPValue] = [
            .simpleString("version"), .simpleString("7.0.15"), .simpleString("mode"), .simpleString("cluster"),
            .simpleString("role"), .simpleString("replica"),
        ]
        _ = machine.received(.map(RESPMap(alternating: hello)), at: Self.now)
        guard case .ready(let greeting) = machine.received(pong, at: Self.now) else {
            Issue.record("not ready")
            return
        }
        #expect(
            greeting
                == RESPGreeting(protocolVersion: 3, role: "replica", mode: "cluster", serverVersion: "7.0.15")
        )
    }

    @Test("a handshake that takes too long is a fault, and no call is taken before it is done")
    func timeout() {
        var machine = Machine(handshake: RESPHandshake(), timing: Self.timing, now: Self.now)
        #expect(machine.enqueue("a", replies: 1, deadline: .distantFuture, at: Self.now) == false)
        #expect(machine.deadline == Self.now + .seconds(1))
        #expect(machine.timerFired(at: Self.now + .milliseconds(999)).fault == nil)
        #expect(machine.timerFired(at: Self.now + .seconds(1)).fault == .handshakeTimeout)
    }
}
