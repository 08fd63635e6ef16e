import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite("Topology of a cluster")
struct ClusterTopologyTests {
    private func bulk(_ text: String) -> RESPValue { .bulkString(ByteBuffer(string: text)) }

    private func node(_ fields: [(String, RESPValue)]) -> RESPValue {
        .map(RESPMap(entries: fields.map { .init(key: bulk($0.0), value: $0.1) }))
    }

    private func shard(_ slots: [Int64], _ nodes: [RESPValue]) -> RESPValue {
        node([("slots", .array(slots.map(RESPValue.integer))), ("nodes", .array(nodes))])
    }

    private func master(_ endpoint: RESPValue, _ port: Int64, health: String = "online") -> RESPValue {
        node([
            ("id", bulk("x")), ("port", .integer(port)), ("tls-port", .integer(port + 1)), ("ip", bulk("10.0.0.9")),
            ("endpoint", endpoint), ("role", bulk("master")), ("health", bulk(health)),
        ])
    }

    private var replica: RESPValue {
        node([("port", .integer(9)), ("endpoint", bulk("r")), ("role", bulk("replica")), ("health", bulk("online"))])
    }

    @Test("CLUSTER SHARDS gives masters and their slots, with the port for TLS where that is wanted")
    func shards() {
        let reply = RESPValue.array([
            shard([0, 99, 200, 299], [replica, master(bulk("a"), 7000)]),
            shard([100, 199], [master(.null, 7001)]),
            shard([], [master(bulk("idle"), 7002)]),
            shard([300, 16383], [master(bulk("?"), 7003)]),
        ])
        let plain = ClusterTopology(shards: reply, askedHost: "seed", isSecure: false)
        #expect(
            plain?.assignments == [
                .init(slots: 0...99, master: RedisEndpoint(host: "a", port: 7000)),
                .init(slots: 200...299, master: RedisEndpoint(host: "a", port: 7000)),
                .init(slots: 100...199, master: RedisEndpoint(host: "seed", port: 7001)),
                .init(slots: 300...16383, master: RedisEndpoint(host: "seed", port: 7003)),
            ]
        )
        #expect(plain?.coveredCount == 16384)
        #expect(plain?.masters.count == 3)
        let secure = ClusterTopology(shards: reply, askedHost: "seed", isSecure: true)
        #expect(secure?.masters.map(\.port).sorted() == [7001, 7002, 7004])
    }

    @Test("a master that has failed serves nothing; its successor does")
    func failedMaster() {
        let failed = master(bulk("old"), 7000, health: "fail")
        let reply = RESPValue.array([shard([0, 9], [failed, master(bulk("new"), 7001)]), shard([10, 19], [failed])])
        let topology = ClusterTopology(shards: reply, askedHost: "seed", isSecure: false)
        #expect(topology?.assignments == [.init(slots: 0...9, master: RedisEndpoint(host: "new", port: 7001))])
    }

    @Test("CLUSTER SLOTS gives the same")
    func slots() {
        let reply = RESPValue.array([
            .array([.integer(0), .integer(99), .array([bulk("a"), .integer(7000), bulk("id")]), .array([])]),
            .array([.integer(100), .integer(100), .array([bulk(""), .integer(7001)])]),
        ])
        #expect(
            ClusterTopology(slots: reply, askedHost: "seed")?.assignments == [
                .init(slots: 0...99, master: RedisEndpoint(host: "a", port: 7000)),
                .init(slots: 100...100, master: RedisEndpoint(host: "seed", port: 7001)),
            ]
        )
    }

    @Test("slots and ports outside their range are no topology")
    func malformed() {
        for slots in [[0, 16384], [-1, 5], [9, 3]] as [[Int64]] {
            let shards = RESPValue.array([shard(slots, [master(bulk("a"), 1)])])
            #expect(ClusterTopology(shards: shards, askedHost: "s", isSecure: false) == nil)
        }
        let port = RESPValue.array([shard([0, 1], [master(bulk("a"), 70000)])])
        #expect(ClusterTopology(shards: port, askedHost: "s", isSecure: false) == nil)
        for reply in [RESPValue.null, .integer(1), .array([.integer(1)]), .array([.array([])])] {
            #expect(ClusterTopology(shards: reply, askedHost: "s", isSecure: false) == nil)
            #expect(ClusterTopology(slots: reply, askedHost: "s") == nil)
        }
    }

    @Test("a slot that moves changes owners alone")
    func slotMap() {
        let (a, b, c) = (RedisEndpoint(host: "a"), RedisEndpoint(host: "b"), RedisEndpoint(host: "c"))
        var map = SlotMap(
            ClusterTopology(assignments: [.init(slots: 0...9, master: a), .init(slots: 10...16382, master: b)])
        )
        #expect(map[0] == a && map[9] == a && map[10] == b && map[16383] == nil)
        #expect(map.uncoveredCount == 1)
        map.move(9, to: c)
        map.move(10, to: a)
        map.move(16383, to: b)
        #expect(map[8] == a && map[9] == c && map[10] == a && map[11] == b)
        #expect(map.uncoveredCount == 0)
    }

    @Test("a cluster is as well as its masters and its slots")
    func health() {
        let (up, down) = (RedisState(.connected), RedisState(.down, reason: "gone"))
        func level(_ masters: [RedisState], uncovered: Int = 0) -> RedisState.Level {
            ClusterHealth.state(masters: masters, uncoveredCount: uncovered).level
        }
        #expect(level([up, up, up]) == .connected)
        #expect(level([up, RedisState(.starting), up]) == .connected)
        #expect(level([RedisState(.starting)]) == .starting)
        #expect(level([]) == .starting)
        #expect(level([down, down]) == .down)
        #expect(level([up, up], uncovered: 1) == .degraded)
        #expect(level([up, RedisState(.degraded, reason: "OOM")]) == .degraded)
        #expect(
            ClusterHealth.state(masters: [up, down, up], uncoveredCount: 0)
                == RedisState(.degraded, reason: "1 of 3 masters are down: gone")
        )
    }
}

@Suite("The way of a command through a cluster")
struct ClusterJourneyTests {
    private var journey = ClusterJourney(maximumAttempts: 4)
    private let a = RedisEndpoint(host: "a", port: 1)
    private let b = RedisEndpoint(host: "b", port: 2)

    @Test("a value or an ordinary error is the end")
    mutating func ends() {
        #expect(journey.next(after: .value, at: a) == .init(step: .finish))
        #expect(journey.next(after: .refused(.wrongType), at: a) == .init(step: .finish))
        #expect(journey.next(after: .refused(.outOfMemory), at: a) == .init(step: .finish))
        #expect(journey.next(after: .failed(.queueFull), at: a) == .init(step: .finish))
    }

    @Test("MOVED leads to the new master for good")
    mutating func moved() {
        #expect(
            journey.next(after: .refused(.moved(slot: 7, location: "b:2")), at: a)
                == .init(
                    step: .resend(target: b, isAsking: false, wait: .zero),
                    move: .init(slot: 7, endpoint: b),
                    needsRefresh: true
                )
        )
        #expect(
            journey.next(after: .refused(.moved(slot: 7, location: ":9")), at: b).move?.endpoint
                == RedisEndpoint(host: "b", port: 9)
        )
    }

    @Test("ASK leads there once and changes nothing")
    mutating func ask() {
        #expect(
            journey.next(after: .refused(.ask(slot: 7, location: "b:2")), at: a)
                == .init(step: .resend(target: b, isAsking: true, wait: .zero))
        )
    }

    @Test("TRYAGAIN waits longer each time, in the same place and manner")
    mutating func tryAgain() {
        _ = journey.next(after: .refused(.ask(slot: 7, location: "b:2")), at: a)
        #expect(
            journey.next(after: .refused(.tryAgain), at: b)
                == .init(step: .resend(target: b, isAsking: true, wait: .milliseconds(2)))
        )
        #expect(
            journey.next(after: .refused(.tryAgain), at: b)
                == .init(step: .resend(target: b, isAsking: true, wait: .milliseconds(4)))
        )
        #expect(journey.next(after: .refused(.tryAgain), at: b).step == .giveUp)
    }

    @Test("a cluster that is down, a replica and a master that is lost are looked at anew, and not waited for")
    mutating func clusterDown() {
        for code in [RedisReplyCode.clusterDown, .readOnly, .masterDown] {
            #expect(journey.next(after: .refused(code), at: a) == .init(step: .finish, needsRefresh: true))
        }
    }

    @Test("a lost node is a hint at a change, and nothing is sent again that may have been carried out")
    mutating func lostNode() {
        for code in [RedisError.Code.connectionClosed, .timeout, .notConnected, .circuitOpen] {
            #expect(journey.next(after: .failed(code), at: a) == .init(step: .finish, needsRefresh: true))
        }
    }

    @Test("a node that a redirection names is waited for while its connection comes up")
    mutating func newNode() {
        _ = journey.next(after: .refused(.moved(slot: 7, location: "b:2")), at: a)
        #expect(
            journey.next(after: .failed(.notConnected), at: b).step
                == .resend(target: b, isAsking: false, wait: .milliseconds(2))
        )
        // Only the deadline bounds the wait for a connection.
        for _ in 0..<20 { #expect(journey.next(after: .failed(.notConnected), at: b).step != .giveUp) }
        #expect(
            journey.next(after: .failed(.notConnected), at: b).step
                == .resend(target: b, isAsking: false, wait: .milliseconds(100))
        )
    }

    @Test("nodes that send a command to each other for ever are left")
    mutating func endlessRedirection() {
        var steps = 0
        var step = ClusterJourney.Step.finish
        repeat {
            let (here, there) = steps % 2 == 0 ? (a, "b:2") : (b, "a:1")
            step = journey.next(after: .refused(.moved(slot: 7, location: there)), at: here).step
            steps += 1
        } while step != .giveUp
        #expect(steps == 4)
    }

    @Test("a redirection to nowhere is the end")
    mutating func nowhere() {
        #expect(journey.next(after: .refused(.moved(slot: 7, location: "?")), at: a).step == .finish)
        #expect(journey.next(after: .refused(.ask(slot: 7, location: "")), at: a).step == .finish)
    }
}

@Suite("Masters that nodes make up")
struct EndlessMovesTests {
    @Test("more masters than there are slots overflow nothing; those in excess serve nothing")
    func overflow() {
        var map = SlotMap(ClusterTopology(assignments: []))
        for host in 0..<70_000 { map.move(host % 16_384, to: RedisEndpoint(host: "h\(host)", port: 1)) }
        #expect(map[0] == nil)
    }
}
