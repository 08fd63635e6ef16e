import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("RESP connection state machine")
struct ConnectionStateMachineTests {
    typealias Machine = RESPConnectionStateMachine<String>

    private static let timing = RESPConnectionTiming(
        handshakeTimeout: .seconds(1),
        keepAliveInterval: .seconds(10),
        silenceTimeout: .seconds(2),
        closeTimeout: .seconds(3)
    )

    private var machine = Machine(handshake: RESPHandshake(), timing: timing, now: at(0))

    private static func at(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(UInt64((1000 + seconds) * 1e9))
    }

    private mutating func makeReady(at seconds: Double = 0) {
        _ = machine.received(.map(RESPMap(entries: [])), at: Self.at(seconds))
        _ = machine.received(.simpleString("PONG"), at: Self.at(seconds))
        #expect(machine.isReady)
    }

    private mutating func enqueue(_ call: String, replies: Int = 1, skipping: Int = 0, until: Double, at: Double = 0) {
        #expect(
            machine.enqueue(call, replies: replies, skipping: skipping, deadline: Self.at(until), at: Self.at(at))
                == true
        )
    }

    private mutating func receive(_ text: String, at seconds: Double = 0) -> String {
        machine.bytesReceived(at: Self.at(seconds))
        return Self.describe(machine.received(.simpleString(text), at: Self.at(seconds)))
    }

    private static func describe(_ action: Machine.ReplyAction) -> String {
        switch action {
        case .drop(let finished): finished.map { "drop, \($0) done" } ?? "drop"
        case .write: "write"
        case .ready: "ready"
        case .reply(let call, let value, let isLast): "\(call)=\(value.text ?? "?")\(isLast ? "" : "…")"
        case .push: "push"
        case .close(let fault): "close: \(fault)"
        }
    }

    @Test("replies go to calls in the order of the calls")
    mutating func order() {
        makeReady()
        enqueue("a", until: 1)
        enqueue("b", replies: 2, until: 1)
        enqueue("c", until: 1)
        #expect(receive("1") == "a=1")
        #expect(receive("2") == "b=2…")
        #expect(receive("3") == "b=3")
        #expect(receive("4") == "c=4")
        #expect(machine.owedCount == 0)
    }

    @Test("an expired call keeps its place, so that later calls get their own replies")
    mutating func expiry() {
        makeReady()
        enqueue("a", until: 1)
        enqueue("b", until: 0.5)
        enqueue("c", until: 1.5)
        #expect(machine.deadline == Self.at(0.5))
        #expect(machine.timerFired(at: Self.at(0.4)).expired == [])
        #expect(machine.timerFired(at: Self.at(0.5)).expired == ["b"])
        #expect(machine.deadline == Self.at(1))
        #expect(machine.owedCount == 3)
        #expect(receive("1") == "a=1")
        #expect(receive("2") == "drop, b done")
        #expect(receive("3") == "c=3")
    }

    @Test("a call of several replies that expires midway drops the others")
    mutating func partialExpiry() {
        makeReady()
        enqueue("a", replies: 3, until: 1)
        #expect(receive("1") == "a=1…")
        #expect(machine.timerFired(at: Self.at(1)).expired == ["a"])
        #expect(receive("2", at: 1) == "drop")
        enqueue("b", until: 9, at: 1)
        #expect(receive("3", at: 1) == "drop, a done")
        #expect(receive("4", at: 1) == "b=4")
    }

    @Test("the reply to a prefix is dropped")
    mutating func prefix() {
        makeReady()
        enqueue("a", skipping: 1, until: 1)
        enqueue("b", replies: 2, skipping: 1, until: 1)
        #expect(["1", "2", "3", "4", "5"].map { receive($0) } == ["drop", "a=2", "drop", "b=4…", "b=5"])
    }

    @Test("messages that answer nothing leave the queue as it is")
    mutating func push() {
        makeReady()
        enqueue("a", until: 1)
        #expect(Self.describe(machine.received(.push([]), at: Self.at(0))) == "push")
        #expect(receive("1") == "a=1")
    }

    @Test("a reply to nothing is a fault")
    mutating func unsolicited() {
        makeReady()
        #expect(receive("1").hasPrefix("close"))
    }

    @Test("an idle connection is kept alive, and its reply is accounted for")
    mutating func keepAlive() {
        makeReady()
        #expect(machine.deadline == Self.at(10))
        #expect(machine.timerFired(at: Self.at(10)).sendsKeepAlive)
        #expect(machine.deadline == Self.at(12))
        enqueue("a", until: 20, at: 11)
        #expect(receive("PONG", at: 11) == "drop")
        #expect(receive("1", at: 11) == "a=1")
        #expect(machine.deadline == Self.at(20))
        #expect(!machine.timerFired(at: Self.at(20)).sendsKeepAlive)
        #expect(machine.timerFired(at: Self.at(21)).sendsKeepAlive)
    }

    @Test("a server that owes replies and is silent is given up, however many calls follow")
    mutating func silence() {
        makeReady()
        enqueue("a", until: 1, at: 0.5)
        enqueue("b", until: 30, at: 2)
        #expect(machine.timerFired(at: Self.at(1)).expired == ["a"])
        #expect(machine.timerFired(at: Self.at(2.4)).fault == nil)
        #expect(machine.timerFired(at: Self.at(2.5)).fault == .peerSilent)
        #expect(machine.closed() == ["b"])
    }

    @Test("a server that sends a long reply slowly is not silent")
    mutating func slowReply() {
        makeReady()
        enqueue("a", until: 60)
        for second in 1...20 {
            machine.bytesReceived(at: Self.at(Double(second)))
            #expect(machine.timerFired(at: Self.at(Double(second) + 0.9)).fault == nil)
        }
    }

    @Test("a graceful close waits for what is owed and takes nothing more")
    mutating func gracefulClose() {
        makeReady()
        enqueue("a", until: 10)
        #expect(machine.closeGracefully(at: Self.at(1)) == false)
        #expect(machine.enqueue("b", replies: 1, deadline: Self.at(10), at: Self.at(1)) == false)
        #expect(!machine.isDrained)
        #expect(receive("1", at: 1) == "a=1")
        #expect(machine.isDrained)
        #expect(machine.closed() == [])
    }

    @Test("a graceful close has an end")
    mutating func gracefulCloseTimeout() {
        makeReady()
        enqueue("a", until: 100)
        #expect(machine.closeGracefully(at: Self.at(0)) == false)
        machine.bytesReceived(at: Self.at(2.9))
        #expect(machine.timerFired(at: Self.at(3)).fault == .closeTimeout)
        #expect(machine.closed() == ["a"])
    }

    @Test("a connection that owes nothing closes at once")
    mutating func idleClose() {
        makeReady()
        #expect(machine.closeGracefully(at: Self.at(0)) == true)
        #expect(machine.isDrained)
    }

    @Test("calls that wait when the connection ends are handed back in order, the expired ones not")
    mutating func closed() {
        makeReady()
        enqueue("a", until: 1)
        enqueue("b", until: 0.1)
        enqueue("c", until: 1)
        _ = machine.timerFired(at: Self.at(0.1))
        #expect(machine.closed() == ["a", "c"])
        #expect(machine.closed() == [])
        #expect(machine.deadline == nil)
        #expect(receive("late") == "drop")
    }

    @Test("replies never go to another call, whatever happens in whatever order", arguments: UInt64(0)..<30)
    mutating func alignment(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        makeReady()
        // The replies that the server owes: the call's name, or nothing for a skipped one.
        var owed: [String] = []
        var time = 0.0
        for step in 0..<400 {
            time += Double.random(in: 0...0.05, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                let skipping = Int.random(in: 0...1, using: &generator)
                let replies = Int.random(in: 1...3, using: &generator)
                enqueue("c\(step)", replies: replies, skipping: skipping, until: time + 0.2, at: time)
                owed += Array(repeating: "skip", count: skipping) + Array(repeating: "c\(step)", count: replies)
            case 1 where !owed.isEmpty:
                let name = owed.removeFirst()
                let result = receive(name, at: time)
                #expect(result.hasPrefix("drop") || result == "\(name)=\(name)" || result == "\(name)=\(name)…")
            default:
                let action = machine.timerFired(at: Self.at(time))
                if action.sendsKeepAlive { owed.append("skip") }
                #expect(action.fault == nil)
            }
        }
    }
}
