import RESP
import RedisClient
import RedisTestSupport
import TestSupport
import Testing

@testable import RateLimiting

private let someone = ClientKey(address: "192.0.2.1")
private let patience = Duration.seconds(10)

@Suite("Buckets in Redis")
struct RedisStoreTests {
    @Test(
        "the script decides as the arithmetic does, to the last fraction",
        arguments: [(3, 1), (7, 60), (1000, 60), (999_983, 59), (1_000_000_000, 1), (1_000_000_000, 31_536_000)]
    )
    func differential(_ budget: Int, _ window: Int) async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: budget, window: window)
        try await withStores(1, server.configuration, policy) { stores, client async throws in
            var generator = SeededGenerator(seed: 1)
            let bucket = GCRA(policy)
            var tat = BucketTime(microseconds: 0)
            for round in 0..<400 {
                if round % 4 == 0 {
                    // Any state that there can be, and some that there cannot.
                    let reach = 3 * policy.windowMicroseconds >> Int64.random(in: 0...40, using: &generator)
                    tat = BucketTime(
                        microseconds: try await client.time()
                            + Int64.random(in: (-reach / 4)...reach, using: &generator),
                        fraction: UInt32.random(in: 0...UInt32(budget), using: &generator)
                    )
                    let text = RESPArgument("\(tat.microseconds):\(tat.fraction)")
                    _ = try await client.send(.set(RedisStore.key(someone), text))
                }
                let cost = Int.random(
                    in: 0...max(1, budget >> Int.random(in: 0...20, using: &generator)),
                    using: &generator
                )
                let answer = try await stores[0].ask(cost, by: someone, timeout: patience)
                let (decision, next) = bucket.decide(cost: cost, now: answer.now, tat: tat)
                #expect(answer.isAdmitted == (decision.outcome == .allowed))
                let outcome: BucketDecision.Outcome = answer.isAdmitted ? .allowed : .refused
                #expect(bucket.decision(outcome, cost: cost, now: answer.now, tat: answer.tat) == decision)
                if let stored = try await client.send(.get(RedisStore.key(someone))).text {
                    #expect(stored == "\(next.microseconds):\(next.fraction)")
                } else {
                    #expect(next.microseconds <= (try await client.time()))
                }
                tat = next
            }
        }
    }

    @Test(
        "the script decides as the arithmetic does at any time, also to the last fraction before the limit, and when time steps back"
    )
    func differentialWithClock() async throws {
        let server = try await RedisServer()
        let script = RedisScript(
            RedisStore.script.source.replacing("redis.call('TIME')", with: "{ARGV[5], ARGV[6]}")
        )
        try #require(script != RedisStore.script)
        try await withClients(1, server.configuration.patient) { clients async throws in
            var generator = SeededGenerator(seed: 9)
            for (budget, window) in [(3, 1), (7, 60), (999_983, 59), (1_000_000_000, 31_536_000)] {
                let policy = try TokenBucketPolicy(budget: budget, window: window)
                let bucket = GCRA(policy)
                // In the future, so that no key goes away during the test.
                var now: Int64 = 3 << 50
                var tat = BucketTime(microseconds: 0)
                _ = try await clients[0].send(.delete("k"))
                for _ in 0..<400 {
                    let cost = Int.random(
                        in: 0...max(1, budget >> Int.random(in: 0...20, using: &generator)),
                        using: &generator
                    )
                    let refusal = bucket.decide(cost: cost, now: now, tat: tat).decision
                    switch Int.random(in: 0..<8, using: &generator) {
                    case 0: now += Int64.random(in: 0...(3 * policy.windowMicroseconds), using: &generator)
                    case 1: now -= Int64.random(in: 0...(3 * policy.windowMicroseconds), using: &generator)
                    case 2...4: now += refusal.retryAfter
                    case 5...6: now += refusal.retryAfter - 1
                    default: break
                    }
                    let charge = policy.time(toEarn: cost)
                    let words = [
                        charge.microseconds, Int64(charge.fraction), policy.windowMicroseconds, Int64(budget),
                        now / 1_000_000,
                        now % 1_000_000,
                    ]
                    let reply = try await clients[0].evaluate(
                        script,
                        keys: ["k"],
                        arguments: words.map { RESPArgument(Int($0)) },
                        timeout: patience
                    )
                    let answer = try #require(ScriptAnswer(reply, budget: budget))
                    let (decision, next) = bucket.decide(cost: cost, now: now, tat: tat)
                    #expect(answer.now == now)
                    #expect(answer.isAdmitted == (decision.outcome == .allowed))
                    let outcome: BucketDecision.Outcome = answer.isAdmitted ? .allowed : .refused
                    #expect(bucket.decision(outcome, cost: cost, now: now, tat: answer.tat) == decision)
                    let stored = try await clients[0].send(.get("k")).text ?? "0:0"
                    #expect(stored == "\(next.microseconds):\(next.fraction)")
                    tat = next
                }
            }
        }
    }

    @Test("keys go away when their bucket is full, and not a moment earlier")
    func expiry() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 10)
        try await withStores(1, server.configuration, policy) { stores, client async throws in
            let answer = try await stores[0].ask(7, by: someone, timeout: patience)
            let end = try await client.send(
                RedisCommand("PEXPIRETIME", [RESPArgument(RedisStore.key(someone))], keys: 0..<1)
            )
            let millisecond = try #require(end.integer)
            #expect(answer.tat.microseconds == answer.now + 7_000_000)
            #expect((1...1000).contains(millisecond * 1000 - answer.tat.microseconds))
        }
    }

    @Test("refused and curious requests write nothing; what is no bucket counts as a full one")
    func readsOnly() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 3600)
        try await withStores(1, server.configuration, policy) { stores, client async throws in
            #expect(try await stores[0].consume(0, by: someone, timeout: patience).remaining == 10)
            #expect(try await client.send(RedisCommand("DBSIZE")).integer == 0)
            #expect(try await stores[0].consume(8, by: someone, timeout: patience).remaining == 2)
            let before = try await client.send(.get(RedisStore.key(someone))).text
            #expect(try await stores[0].consume(3, by: someone, timeout: patience).outcome == .refused)
            let never = try await stores[0].consume(11, by: someone, timeout: patience)
            #expect(never.outcome == .neverAdmissible && never.remaining == 2)
            #expect(try await stores[0].consume(0, by: someone, timeout: patience).remaining == 2)
            #expect(try await client.send(.get(RedisStore.key(someone))).text == before)
            for text in ["", "x", "1", "-1:0", "1:-1", "0x10:0", "nan:nan", "1e9:0"] {
                _ = try await client.send(.set(RedisStore.key(someone), RESPArgument(text)))
                #expect(try await stores[0].consume(1, by: someone, timeout: patience).remaining == 9)
            }
            _ = try await client.send(
                .set(RedisStore.key(someone), RESPArgument(String(repeating: "9", count: 400) + ":0"))
            )
            #expect(try await stores[0].consume(1, by: someone, timeout: patience).outcome == .refused)
            #expect(try await client.send(.get(RedisStore.key(someone))).text?.utf8.count == 18)
        }
    }

    @Test("processes together admit what one bucket holds and earns, to the token", arguments: [1, 4, 16])
    func greedy(_ count: Int) async throws {
        let server = try await RedisServer()
        // A bucket so large that once it is empty it will not be full, where earnings would be lost, and that earns so slowly that it
        // can be emptied again token by token, however slow the machine is.
        let policy = try TokenBucketPolicy(budget: 29_989, window: 240)
        try await withStores(count, server.configuration, policy) { stores, client async throws in
            let start = try await client.time()
            #expect(try await stores[0].consume(29_989, by: someone, timeout: patience).outcome == .allowed)
            let first = try await client.time()
            let end = ContinuousClock.now + .seconds(2)
            var sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for (index, store) in (stores + stores).enumerated() {
                    group.addTask {
                        var admitted = 0
                        while ContinuousClock.now < end {
                            let cost = 1 + index % 3
                            if let refusal = store.rememberedRefusal(cost, by: someone) {
                                try await Task.sleep(for: .microseconds(refusal.retryAfter))
                            } else if try await store.consume(cost, by: someone, timeout: patience).outcome == .allowed
                            {
                                admitted += cost
                            }
                        }
                        return admitted
                    }
                }
                return try await group.reduce(29_989, +)
            }
            var last = try await client.time()
            while try await stores[0].consume(1, by: someone, timeout: patience).outcome == .allowed {
                sum += 1
                last = try await client.time()
            }
            let now = try await client.time()
            func fair(from start: Int64, to end: Int64) -> Int128 { 29_989 * Int128(240_000_000 + end - start) }
            #expect(Int128(sum) * 240_000_000 <= fair(from: start, to: now))
            #expect(Int128(sum + 1) * 240_000_000 > fair(from: first, to: last))
        }
    }

    @Test("a client at 95 % of its rate is never refused, whichever process it meets, even with an empty bucket")
    func paced() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 997, window: 3)
        try await withStores(4, server.configuration, policy) { stores, _ async throws in
            #expect(try await stores[0].consume(997, by: someone, timeout: patience).outcome == .allowed)
            var generator = SeededGenerator(seed: 2)
            for index in 0..<100 {
                let cost = Int.random(in: 1...10, using: &generator)
                try await Task.sleep(for: .microseconds(Int64(cost) * 3_000_000 * 100 / (997 * 95) + 1))
                let store = stores[index % 4]
                #expect(store.rememberedRefusal(cost, by: someone) == nil)
                #expect(try await store.consume(cost, by: someone, timeout: patience).outcome == .allowed)
            }
        }
    }

    @Test("a refusal is remembered for the client, for what its bucket does not hold, and where it was refused")
    func rememberedRefusals() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 31_536_000)
        try await withStores(2, server.configuration, policy) { stores, _ async throws in
            #expect(stores[0].rememberedRefusal(1, by: someone) == nil)
            #expect(try await stores[0].consume(9, by: someone, timeout: patience).outcome == .allowed)
            #expect(try await stores[0].consume(2, by: someone, timeout: patience).outcome == .refused)
            // What the bucket holds is not refused unasked, nor is another client.
            #expect(stores[0].rememberedRefusal(1, by: someone) == nil)
            #expect(stores[0].rememberedRefusal(11, by: someone) == nil)
            #expect(stores[0].rememberedRefusal(0, by: someone) == nil)
            #expect(stores[0].rememberedRefusal(2, by: ClientKey(address: "192.0.2.2")) == nil)
            #expect(stores[1].rememberedRefusal(2, by: someone) == nil)
            #expect(stores[0].rememberedRefusal(10, by: someone)?.remaining == 1)
        }
    }

    @Test("what is remembered follows what the client spends, and a Redis that was emptied is believed within a second")
    func refusalsFollow() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 30, window: 31_536_000)
        let time = ManualClock()
        try await withClients(1, server.configuration.patient) { clients in
            let store = RedisStore(client: clients[0], policy: policy, refusalLimit: 1024, clock: time.clock)
            #expect(try await store.consume(21, by: someone, timeout: patience).outcome == .allowed)
            #expect(try await store.consume(21, by: someone, timeout: patience).outcome == .refused)
            #expect(store.rememberedRefusal(21, by: someone)?.remaining == 9)
            #expect(try await store.consume(3, by: someone, timeout: patience).outcome == .allowed)
            let refusal = try #require(store.rememberedRefusal(21, by: someone))
            #expect(refusal.remaining == 6)
            #expect(refusal.retryAfter > 14 * 31_536_000 / 30 * 1_000_000)

            _ = try await clients[0].send(RedisCommand("FLUSHALL"))
            #expect(store.rememberedRefusal(21, by: someone) != nil)
            time.advance(by: RedisStore.certainty)
            // One asks; who comes meanwhile is answered as before.
            #expect(store.rememberedRefusal(21, by: someone) == nil)
            #expect(store.rememberedRefusal(21, by: someone) != nil)
            #expect(try await store.consume(21, by: someone, timeout: patience).outcome == .allowed)
            #expect(store.rememberedRefusal(9, by: someone) == nil)
        }
    }

    @Test("a key of another type is replaced")
    func wrongType() async throws {
        let server = try await RedisServer()
        try await withStores(1, server.configuration, try TokenBucketPolicy(budget: 10, window: 3600)) {
            stores,
            client async throws in
            _ = try await client.send(RedisCommand("LPUSH", [RESPArgument(RedisStore.key(someone)), "x"]))
            #expect(try await stores[0].consume(4, by: someone, timeout: patience).remaining == 6)
            #expect(try await stores[0].consume(4, by: someone, timeout: patience).remaining == 2)
        }
    }

    @Test("who waits as long as a remembered refusal says is admitted")
    func waiting() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 10, window: 2)
        try await withStores(1, server.configuration, policy) { stores, _ async throws in
            for cost in [1, 2, 3] {
                var refusal: BucketDecision?
                // Again if the machine was so slow that the client has earned it meanwhile.
                while refusal == nil {
                    let left = try await stores[0].consume(0, by: someone, timeout: patience).remaining
                    _ = try await stores[0].consume(left, by: someone, timeout: patience)
                    _ = try await stores[0].consume(cost, by: someone, timeout: patience)
                    refusal = stores[0].rememberedRefusal(cost, by: someone)
                }
                let wait = try #require(refusal?.retryAfter)
                try await Task.sleep(for: .microseconds(wait))
                #expect(stores[0].rememberedRefusal(cost, by: someone) == nil)
                #expect(try await stores[0].consume(cost, by: someone, timeout: patience).outcome == .allowed)
            }
        }
    }

    @Test("a bucket is emptied by many requests at once to its last token and not beyond")
    func burst() async throws {
        let server = try await RedisServer()
        let policy = try TokenBucketPolicy(budget: 1000, window: 31_536_000)
        try await withStores(4, server.configuration, policy) { stores, _ async throws in
            let admitted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<1500 {
                    group.addTask {
                        try await stores[index % 4].consume(1, by: someone, timeout: patience).outcome == .allowed
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 1000)
        }
    }

    @Test("a cluster of three masters keeps the buckets of many clients, exact for each")
    func cluster() async throws {
        let cluster = try await RedisCluster(replicas: 0)
        let policy = try TokenBucketPolicy(budget: 5, window: 31_536_000)
        try await withStores(2, cluster.configuration, policy) { stores, _ async throws in
            let clients = (0..<60).map { ClientKey(address: $0 % 2 == 0 ? "198.51.100.\($0)" : "2001:db8:0:\($0)::1") }
            #expect(Set(clients.map { HashSlot.slot(of: RedisStore.key($0).utf8) / 5462 }).count == 3)
            #expect(HashSlot.slot(of: RedisStore.key(someone).utf8) == HashSlot.slot(of: "192.0.2.1".utf8))
            try await eventually("all masters are connected") {
                for (store, client) in stores.flatMap({ store in clients.map { (store, $0) } }) {
                    guard (try? await store.consume(0, by: client, timeout: patience)) != nil else { return false }
                }
                return true
            }
            for client in clients {
                var admitted = 0
                for index in 0..<8 {
                    if try await stores[index % 2].consume(1, by: client, timeout: patience).outcome == .allowed {
                        admitted += 1
                    }
                }
                #expect(admitted == 5, "\(client)")
            }
        }
    }
}
