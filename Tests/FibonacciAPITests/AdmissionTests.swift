import Fibonacci
import HTTPTypes
import Logging
import NIOCore
import RateLimiting
import Testing

@testable import FibonacciAPI

@Suite("Admission to /v1/fib", .timeLimit(.minutes(1)))
struct AdmissionTests {
    private let limiter: RateLimiter
    private let source: FibonacciSource
    private let responder: PublicResponder

    init() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        // The clock stands still: what is spent does not come back.
        limiter = RateLimiter(
            policy: try TokenBucketPolicy(budget: 50, window: 60),
            clock: MonotonicClock { 1_000_000 }
        )
        source = FibonacciSource(
            memoryCapacity: 1 << 20,
            origin: ComputeOrigin(
                pool: ComputePool(threads: 1, maximumQueueCost: 100),
                engine: Engine(),
                integrity: .test,
                spans: .none
            )
        )
        responder = PublicResponder(
            resource: FibonacciResource(maximumIndex: 10_000_000, budget: 50),
            source: source,
            admission: Admission(
                identity: ClientIdentity(trusting: try TrustedProxies("10.0.0.0/8")),
                limiter: limiter,
                spans: .none
            ),
            exchanges: ExchangeRunner(
                dates: HTTPDateCache(),
                observers: [],
                tracing: nil,
                isPublic: true,
                logger: logger
            )
        )
    }

    private func request(
        _ target: String,
        method: HTTPRequest.Method = .get,
        fields: HTTPFields = [:],
        from address: String = "192.0.2.1"
    ) async throws -> OutgoingResponse {
        let request = IncomingRequest(method: method, target: try #require(RequestTarget(target)), fields: fields)
        return await responder.respond(to: request, from: Peer(address: address))
    }

    private func remaining(_ address: String = "192.0.2.1") throws -> Int {
        try #require(limiter.consumeImmediately(0, by: ClientKey(address: address))).remaining
    }

    @Test("charges before any work: what is refused is not computed")
    func beforeWork() async throws {
        _ = limiter.consumeImmediately(49, by: ClientKey(address: "192.0.2.1"))
        let response = try await request("/v1/fib?n=40000", fields: [:])
        #expect(response.status == .ok)
        let refused = try await request("/v1/fib?n=40001")
        #expect(refused.status == .tooManyRequests)
        #expect(!source.isCached(40_001))
        #expect(refused.fields[.retryAfter] == "2")
        #expect(refused.fields[.cacheControl] == "no-store")
    }

    @Test("charges nothing for work that can never be admitted, and computes nothing")
    func never() async throws {
        let response = try await request("/v1/fib?n=3000000")
        #expect(response.status == .unprocessableContent)
        #expect(response.fields[.retryAfter] == nil)
        #expect(try remaining() == 49)
        #expect(!source.isCached(3_000_000))
    }

    @Test("a fault of the connection pays a token where the path is known")
    func faults() throws {
        let target = try #require(RequestTarget("/v1/fib?n=1"))
        let request = IncomingRequest(method: .get, target: target, fields: [:])
        let peer = Peer(address: "192.0.2.1")
        let response = responder.respond(to: .contentTooLarge(limit: 1), of: request, from: peer)
        #expect(response.fields[.xRateLimitRemaining] == "49")
        _ = responder.respond(to: .badRequest(reason: "x"), of: nil, from: peer)
        #expect(try remaining() == 49)
    }

    @Test("believes the proxies that are trusted, and them only")
    func identity() async throws {
        let fields: HTTPFields = [.xForwardedFor: "198.51.100.1, 203.0.113.5"]
        _ = try await request("/v1/fib?n=1", fields: fields, from: "10.1.1.1")
        _ = try await request("/v1/fib?n=1", fields: fields, from: "192.0.2.7")
        #expect(try remaining("203.0.113.5") == 49)
        #expect(try remaining("192.0.2.7") == 49)
        #expect(try remaining("10.1.1.1") == 50)
        #expect(try remaining("198.51.100.1") == 50)
    }
}
