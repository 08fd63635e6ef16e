import Caching
import DecimalArithmetic
import Fibonacci
import Logging
import NIOCore
import PrometheusMetrics
import RESP
import RedisClient
import Synchronization
import Testing

@testable import FibonacciAPI

@Suite("The Redis tier between memory and computation", .timeLimit(.minutes(1)))
struct RedisOriginTests {
    /// Redis as a dictionary, and what it may do instead of answering.
    fileprivate final class Redis: RedisCommanding {
        struct Storage {
            var level = RedisState.Level.connected
            var values: [String: RESPValue] = [:]
            var failure: RedisError?
            var commands: [String] = []
        }

        let storage = Mutex(Storage())

        var state: RedisState { RedisState(storage.withLock { $0.level }) }
        var commands: [String] { storage.withLock { $0.commands } }

        var inFlightCount: Int { 0 }

        func onStateChange(_ listener: @escaping @Sendable (RedisState) -> Void) {}

        func perform(_ commands: [RedisCommand], timeout: Duration?) async -> [Result<RESPValue, RedisError>] {
            commands.map { command in storage.withLock { $0.answer(command) } }
        }

        subscript(key: String) -> String? {
            get { storage.withLock { $0.values[key]?.text } }
            set { storage.withLock { $0.values[key] = newValue.map { .bulkString(ByteBuffer(string: $0)) } } }
        }
    }

    /// Computes, and counts how often.
    private final class Computation: FibonacciOrigin {
        let count = Atomic(0)

        func immediateBody(for index: Int) -> FibonacciBody? {
            count.add(1, ordering: .relaxed)
            return FibonacciBody(index: index, value: Fibonacci.value(at: index))
        }

        func body(for index: Int, redisTime: Duration) async throws -> SourcedBody {
            throw Problem(kind: .overloaded, detail: "not to be asked")
        }
    }

    private let metrics = PrometheusRegistry()
    private let redis = Redis()
    private let computation = Computation()

    private func origin(largestValue: Int = 1_000_000, companion: Redis? = nil) -> RedisOrigin {
        RedisOrigin(
            tier: RedisTier(client: redis, keyPrefix: "fib:", secondsToLive: 60, largestValue: largestValue),
            companion: companion,
            timeBudget: .seconds(10),
            fallback: computation,
            metrics: RedisTierMetrics(registry: metrics),
            integrity: IntegrityReporter(
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                registry: metrics
            )
        )
    }

    private func text(_ body: FibonacciBody) -> String { String(buffer: body.bytes(in: .text)) }

    private var computations: Int { computation.count.load(ordering: .relaxed) }

    @Test("what Redis has is served from there, in both representations")
    func hit() async throws {
        redis["fib:300"] = Fibonacci.value(at: 300).description
        let answer = try await origin().body(for: 300, redisTime: .zero)
        #expect(answer.source == .redis)
        #expect(text(answer.body) == Fibonacci.value(at: 300).description)
        #expect(
            String(buffer: answer.body.bytes(in: .json))
                == "{\"n\":300,\"fibonacci\":\"\(Fibonacci.value(at: 300))\"}"
        )
        #expect(computations == 0)
        #expect(redis.commands == ["GET fib:300"])
    }

    @Test("what Redis does not have is computed and stored for a while")
    func miss() async throws {
        let answer = try await origin().body(for: 1_000, redisTime: .zero)
        #expect(answer.source == .computation)
        #expect(redis["fib:1000"] == Fibonacci.value(at: 1_000).description)
        #expect(redis.commands == ["GET fib:1000", "SET fib:1000 EX 60"])
        #expect(try await origin().body(for: 1_000, redisTime: .zero).source == .redis)
        #expect(computations == 1)
    }

    @Test(
        "what is not F(n) is never served, and replaced",
        arguments: [
            "", "0", "55", "5 5", "5x", "-5", "+5", "56", "65", "055", "55 ", "5５", "89",
            String(repeating: "5", count: 5_000),
        ]
    )
    func poison(stored: String) async throws {
        redis["fib:10"] = stored
        let answer = try await origin().body(for: 10, redisTime: .zero)
        #expect(text(answer.body) == "55")
        #expect(redis["fib:10"] == "55")
        #expect(answer.source == (stored == "55" ? .redis : .computation))
    }

    @Test("one wrong digit of many is found, wherever it is")
    func flippedDigit() async throws {
        let right = Array(Fibonacci.value(at: 2_000).description.utf8)
        for position in right.indices {
            var wrong = right
            wrong[position] = wrong[position] == 0x39 ? 0x38 : wrong[position] + 1
            redis["fib:2000"] = String(decoding: wrong, as: UTF8.self)
            #expect(
                text(try await origin().body(for: 2_000, redisTime: .zero).body)
                    == String(decoding: right, as: UTF8.self)
            )
        }
    }

    @Test("a key of another type is overwritten")
    func wrongType() async throws {
        redis.storage.withLock {
            $0.failure = RedisError(.reply(.wrongType), "WRONGTYPE", command: "GET")
        }
        let answer = try await origin().body(for: 10, redisTime: .zero)
        #expect(text(answer.body) == "55" && answer.source == .computation)
        #expect(redis.commands == ["GET fib:10", "SET fib:10 EX 60"])
    }

    @Test("values that are too large for it are neither looked up nor stored")
    func tooLarge() async throws {
        #expect(try await origin(largestValue: 208).body(for: 1_000, redisTime: .zero).source == .computation)
        #expect(redis.commands.isEmpty)
        #expect(try await origin(largestValue: 209).body(for: 1_000, redisTime: .zero).source == .computation)
        #expect(redis.commands.count == 2)
    }

    @Test(
        "a Redis that fails is not asked to store",
        arguments: [RedisError.Code.timeout, .connectionClosed, .queueFull]
    )
    func failure(code: RedisError.Code) async throws {
        redis.storage.withLock { $0.failure = RedisError(code, "no") }
        let answer = try await origin().body(for: 500, redisTime: .zero)
        #expect(answer.source == .computation)
        #expect(text(answer.body) == Fibonacci.value(at: 500).description)
        #expect(redis.commands == ["GET fib:500"])
    }

    @Test("Redis is not asked where the limiter has used up the time that it may take")
    func noTimeLeft() async throws {
        #expect(try await origin().body(for: 500, redisTime: .seconds(10)).source == .computation)
        #expect(redis.commands.isEmpty)
        #expect(try await origin().body(for: 500, redisTime: .seconds(9)).source == .computation)
        #expect(redis.commands.count == 2)
    }

    @Test(
        "a Redis that is away is not asked, and small numbers are computed in place",
        arguments: [RedisState.Level.down, .starting]
    )
    func away(level: RedisState.Level) async throws {
        #expect(origin().immediateBody(for: 500) == nil)
        redis.storage.withLock { $0.level = level }
        #expect(origin().immediateBody(for: 500) != nil)
        #expect(try await origin().body(for: 500, redisTime: .zero).source == .computation)
        #expect(redis.commands.isEmpty)
    }

    @Test("nobody waits for a Redis that the limiter has found to be away")
    func companion() async throws {
        let companion = Redis()
        #expect(origin(companion: companion).immediateBody(for: 500) == nil)
        companion.storage.withLock { $0.level = .down }
        #expect(origin(companion: companion).immediateBody(for: 500) != nil)
        #expect(try await origin(companion: companion).body(for: 500, redisTime: .zero).source == .computation)
        #expect(redis.commands.isEmpty)
    }

    @Test("a warm-up leaves alone what is there")
    func warm() async {
        redis["fib:1"] = "stays"
        let tier = RedisTier(client: redis, keyPrefix: "fib:", secondsToLive: 60, largestValue: 10)
        let values = (0...3).map { (index: $0, value: ByteBuffer(string: "\($0)")) }
        #expect(await tier.warm(values, timeout: .seconds(1)))
        #expect(redis["fib:0"] == "0" && redis["fib:1"] == "stays" && redis["fib:3"] == "3")
        redis.storage.withLock { $0.failure = RedisError(.timeout, "no") }
        #expect(await !tier.warm(values, timeout: .seconds(1)))
    }
}

extension RedisOriginTests.Redis.Storage {
    fileprivate mutating func answer(_ command: RedisCommand) -> Result<RESPValue, RedisError> {
        let words = command.arguments.map { argument in
            argument.withBytes { String(decoding: Array($0), as: UTF8.self) }
        }
        let key = words[0]
        commands.append(([command.name, key] + words.dropFirst(2)).joined(separator: " "))
        if let failure {
            if failure.command == nil || failure.command == command.name { return .failure(failure) }
        }
        switch command.name {
        case "GET": return .success(values[key] ?? .null)
        case "SET":
            if words.contains("NX"), values[key] != nil { return .success(.null) }
            values[key] = .bulkString(ByteBuffer(string: words[1]))
            return .success(.simpleString("OK"))
        default: return .failure(RedisError(.invalidCall, "unknown", command: command.name))
        }
    }
}
