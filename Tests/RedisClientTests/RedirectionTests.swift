import NIOCore
import NIOPosix
import RESP
import RedisTestSupport
import Synchronization
import TestSupport
import Testing

@testable import RedisClient

/// Two fake nodes, of which the first owns every slot until a test says otherwise.
private final class FakeCluster: Sendable {
    struct State {
        var owner = 0
        var ports = [0, 0]
        /// What each node was asked, `CLUSTER` and the handshake left out.
        var received: [[String]] = [[], []]
        var answers: @Sendable (_ node: Int, _ words: [String], _ ports: [Int]) -> String = { _, _, _ in "+OK\r\n" }
    }

    let state = Mutex(State())
    private let servers = Mutex<[FakeServer]>([])

    init(answers: @escaping @Sendable (_ node: Int, _ words: [String], _ ports: [Int]) -> String) async throws {
        state.withLock { $0.answers = answers }
        for node in 0..<2 {
            let server = try await FakeServer.start { [state = WeakBox(self)] words in
                state.value.map { .write($0.answer(node, words)) } ?? .nothing
            }
            servers.withLock { $0.append(server) }
            state.withLock { $0.ports[node] = server.port }
        }
    }

    private func answer(_ node: Int, _ words: [String]) -> String {
        state.withLock { state in
            if words.first == "CLUSTER" {
                guard words.last == "SLOTS" else { return "-ERR unknown subcommand\r\n" }
                return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:\(state.ports[state.owner])\r\n"
            }
            state.received[node].append(words.joined(separator: " "))
            return state.answers(node, words, state.ports)
        }
    }

    var configuration: RedisConfiguration {
        var configuration = RedisConfiguration(
            endpoint: RedisEndpoint(host: "127.0.0.1", port: state.withLock { $0.ports[0] })
        )
        configuration.timeouts.topologyRefresh = .seconds(60)
        return configuration
    }

    var received: [[String]] { state.withLock { $0.received } }
}

/// Lets a server's behaviour refer to the cluster that owns the server.
private final class WeakBox: Sendable {
    private struct Storage {
        weak var value: FakeCluster?
    }

    private let storage: Mutex<Storage>

    init(_ value: FakeCluster) { storage = Mutex(Storage(value: value)) }

    var value: FakeCluster? { storage.withLock { $0.value } }
}

@Suite("Redirections")
struct RedirectionTests {
    @Test("MOVED is followed, remembered and made to look at the slots again")
    func moved() async throws {
        let slot = HashSlot.slot(of: "k".utf8)
        let cluster = try await FakeCluster { node, words, ports in
            node == 0 ? "-MOVED \(slot) 127.0.0.1:\(ports[1])\r\n" : "$3\r\nnew\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            cluster.state.withLock { $0.owner = 1 }
            #expect(try await client.reply(.get("k")).text == "new")
            #expect(try await client.reply(.get("k")).text == "new")
            #expect(cluster.received.map(\.count) == [1, 2])
            let other = try await client.reply(.get("other")).text
            #expect(other == "new")
        }
    }

    @Test("ASK sends ASKING along, once, and is not remembered")
    func ask() async throws {
        let slot = HashSlot.slot(of: "k".utf8)
        let cluster = try await FakeCluster { node, words, ports in
            if words == ["ASKING"] { return "+OK\r\n" }
            return node == 0 ? "-ASK \(slot) 127.0.0.1:\(ports[1])\r\n" : "$3\r\nnew\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            for _ in 0..<2 { #expect(try await client.reply(.get("k")).text == "new") }
            #expect(cluster.received == [["GET k", "GET k"], ["ASKING", "GET k", "ASKING", "GET k"]])
        }
    }

    @Test("a node that serves no slots yet stays connected to, however often the slots are looked at")
    func askToNewMaster() async throws {
        let slot = HashSlot.slot(of: "k".utf8)
        let cluster = try await FakeCluster { node, words, ports in
            if words == ["ASKING"] { return "+OK\r\n" }
            return node == 0 ? "-ASK \(slot) 127.0.0.1:\(ports[1])\r\n" : "$3\r\nnew\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            #expect(try await client.reply(.get("k")).text == "new")
            let endpoints = client.registry.endpoints
            #expect(endpoints.count == 2)
            for _ in 0..<5 { #expect(await client.refreshTopology()) }
            #expect(client.registry.endpoints == endpoints)
        }
    }

    @Test("a pipeline's redirected commands are sent again, the others are not")
    func pipeline() async throws {
        let cluster = try await FakeCluster { node, words, ports in
            if words == ["ASKING"] { return "+OK\r\n" }
            let slot = HashSlot.slot(of: (words.last ?? "").utf8)
            if node == 0, words.last == "b" { return "-ASK \(slot) 127.0.0.1:\(ports[1])\r\n" }
            return "+\(words.last ?? "")\(node)\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            let results = await client.perform(["a", "b", "c"].map { .get($0) }, timeout: .seconds(5))
            #expect(try results.map { try $0.get().text } == ["a0", "b1", "c0"])
            #expect(cluster.received[1] == ["ASKING", "GET b"])
        }
    }

    @Test("TRYAGAIN is tried again until it succeeds")
    func tryAgain() async throws {
        let attempts = Counter()
        let cluster = try await FakeCluster { _, _, _ in
            attempts.next() < 4 ? "-TRYAGAIN Multiple keys request during rehashing of slot\r\n" : "+done\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            #expect(try await client.reply(.get("k")).text == "done")
            #expect(attempts.current == 4)
        }
    }

    @Test("TRYAGAIN without end ends with the deadline or with the attempts, whichever is first")
    func endlessTryAgain() async throws {
        let cluster = try await FakeCluster { _, _, _ in "-TRYAGAIN later\r\n" }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            let code = await client.failure(of: .get("k"), timeout: .milliseconds(100))?.code
            #expect(code == .timeout || code == .expiredUnsent)
            let error = await client.failure(of: .get("k"), timeout: .seconds(10))
            #expect(error?.code == .tooManyRedirections)
            #expect((error?.cause as? RedisError)?.code == .reply(.tryAgain))
        }
    }

    @Test("nodes that send a command to each other for ever are left")
    func endlessRedirection() async throws {
        let slot = HashSlot.slot(of: "k".utf8)
        let cluster = try await FakeCluster { node, _, ports in
            "-MOVED \(slot) 127.0.0.1:\(ports[1 - node])\r\n"
        }
        try await withConnectedClusterClient(cluster.configuration) { client async throws in
            #expect(await client.failure(of: .get("k"), timeout: .seconds(10))?.code == .tooManyRedirections)
            #expect((2...8).contains(cluster.received.joined().count))
        }
    }

    @Test("a server that is no node of a cluster is down, with what it said")
    func noCluster() async throws {
        let server = try await RedisServer()
        let client = try RedisClusterClient(
            configuration: server.configuration,
            group: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("cluster support disabled") == true)
            #expect(await client.failure(of: .get("k"))?.code == .slotUncovered)
        }
    }

    @Test("a cluster that is away at the start is down, and connected to when it comes")
    func absentAtStart() async throws {
        let server = try await RedisServer()
        server.kill()
        let client = try RedisClusterClient(
            configuration: server.configuration,
            group: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            try await eventually("down") { client.state.level == .down }
            #expect(client.state.reason?.contains("Connection refused") == true)
            let start = ContinuousClock.now
            for _ in 0..<100 { #expect(await client.failure(of: .get("k"))?.code == .slotUncovered) }
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }
}
