import Fibonacci
import Foundation
import HTTPTypes
import Logging
import NIOCore
import RateLimiting
import Synchronization
import Testing

@testable import FibonacciAPI

@Suite("Answers of the public port", .timeLimit(.minutes(1)))
struct PublicResponderTests {
    /// Remembers what it is told.
    private final class Recorder: ExchangeObserver {
        private let exchanges = Mutex<[Exchange]>([])

        var last: Exchange? { exchanges.withLock { $0.last } }
        func exchangeFinished(_ exchange: Exchange) { exchanges.withLock { $0.append(exchange) } }
    }

    private let recorder = Recorder()
    private let source: FibonacciSource
    private let responder: PublicResponder

    init() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = ComputePool(threads: 1, maximumQueueCost: 100)
        source = FibonacciSource(
            memoryCapacity: 1 << 20,
            origin: ComputeOrigin(pool: pool, engine: Engine(), integrity: .test, spans: .none)
        )
        responder = PublicResponder(
            resource: FibonacciResource(maximumIndex: 1_000_000, budget: nil),
            source: source,
            admission: Admission(identity: ClientIdentity(trusting: .none), limiter: nil, spans: .none),
            exchanges: ExchangeRunner(
                dates: HTTPDateCache(),
                observers: [recorder],
                tracing: nil,
                isPublic: true,
                logger: logger
            )
        )
    }

    private func request(_ target: String, method: HTTPRequest.Method = .get, fields: HTTPFields = [:]) async throws
        -> OutgoingResponse
    {
        let target = try #require(RequestTarget(target))
        let request = IncomingRequest(method: method, target: target, fields: fields)
        return await responder.respond(to: request, from: Peer(address: "192.0.2.1"))
    }

    private func text(_ response: OutgoingResponse) -> String {
        response.body.map { String(buffer: $0) } ?? ""
    }

    private func problem(_ response: OutgoingResponse) throws -> [String: Any] {
        #expect(response.fields[.contentType] == "application/problem+json")
        #expect(response.fields[.cacheControl] == "no-store")
        return try #require(try JSONSerialization.jsonObject(with: Data(text(response).utf8)) as? [String: Any])
    }

    @Test(
        "JSON is a number up to 2^53 − 1 and a string beyond",
        arguments: [
            (0, "{\"n\":0,\"fibonacci\":0}"), (1, "{\"n\":1,\"fibonacci\":1}"), (10, "{\"n\":10,\"fibonacci\":55}"),
            (78, "{\"n\":78,\"fibonacci\":8944394323791464}"), (79, "{\"n\":79,\"fibonacci\":\"14472334024676221\"}"),
            (100, "{\"n\":100,\"fibonacci\":\"354224848179261915075\"}"),
        ]
    )
    func json(index: Int, body: String) async throws {
        let response = try await request("/v1/fib?n=\(index)")
        #expect(response.status == .ok)
        #expect(text(response) == body)
        #expect(response.fields[.contentType] == "application/json")
        #expect(response.fields[.contentLength] == "\(body.utf8.count)")
        #expect(response.fields[.xPrecision] == (index <= 78 ? "integer" : "string"))
        #expect(response.fields[.eTag] == "\"fib-v1-json-\(index)\"")
        #expect(response.fields[.cacheControl] == "public, max-age=86400, immutable")
        #expect(response.fields[.vary] == "Accept")
        #expect(response.fields[.xRateLimitCost] == "1")
        #expect(response.fields[.accessControlAllowOrigin] == "*")
    }

    @Test("text is exactly the digits, and its tag differs from JSON's")
    func plainText() async throws {
        let response = try await request("/v1/fib?n=100", fields: [.accept: "text/plain"])
        #expect(text(response) == "354224848179261915075")
        #expect(response.fields[.contentType] == "text/plain; charset=utf-8")
        #expect(response.fields[.eTag] == "\"fib-v1-text-100\"")
        #expect(response.fields[.xPrecision] == "string")
    }

    @Test("HEAD has the fields of GET without a computation", arguments: ["application/json", "text/plain"])
    func head(accept: String) async throws {
        for index in [0, 78, 79, 1000, 50_000, 1_000_000] {
            let head = try await request("/v1/fib?n=\(index)", method: .head, fields: [.accept: accept])
            #expect(head.body == nil)
            #expect(!source.isCached(index))
            let get = try await request("/v1/fib?n=\(index)", fields: [.accept: accept])
            #expect(head.fields[.contentLength] == get.fields[.contentLength])
            for name in [HTTPField.Name.eTag, .contentType, .xPrecision, .cacheControl, .vary] {
                #expect(head.fields[name] == get.fields[name])
            }
            #expect(head.fields[.xRateLimitCost] == "1")
            if index > 50_000 { break }
        }
    }

    @Test("304 needs neither a cache nor a computation")
    func notModified() async throws {
        let response = try await request("/v1/fib?n=999999", fields: [.ifNoneMatch: "\"fib-v1-json-999999\""])
        #expect(response.status == .notModified)
        #expect(response.body == nil)
        #expect(response.fields[.eTag] == "\"fib-v1-json-999999\"")
        #expect(response.fields[.cacheControl] == "public, max-age=86400, immutable")
        #expect(response.fields[.vary] == "Accept")
        #expect(response.fields[.contentLength] == nil)
        #expect(!source.isCached(999_999))
        #expect(recorder.last?.cacheStatus == .validated)
    }

    @Test("the tag of one representation does not stand for the other")
    func tagOfOtherRepresentation() async throws {
        let fields: HTTPFields = [.ifNoneMatch: "\"fib-v1-json-10\"", .accept: "text/plain"]
        #expect(try await request("/v1/fib?n=10", fields: fields).status == .ok)
    }

    @Test("validation comes before negotiation, and negotiation before preconditions")
    func order() async throws {
        let fields: HTTPFields = [.accept: "image/png", .ifMatch: "\"x\"", .ifNoneMatch: "*"]
        #expect(try await request("/v1/fib?n=x", fields: fields).status.code == 400)
        #expect(try await request("/v1/fib?n=1000001", fields: fields).status.code == 422)
        #expect(try await request("/v1/fib?n=10", fields: fields).status.code == 406)
        #expect(try await request("/v1/fib?n=10", fields: [.ifMatch: "\"x\"", .ifNoneMatch: "*"]).status.code == 412)
    }

    @Test(
        "says what is wrong as a problem",
        arguments: [
            ("/v1/fib", "GET", 400, "invalid-parameter"), ("/v1/fib?n=1000001", "GET", 422, "n-too-large"),
            ("/x", "GET", 404, "not-found"),
            ("/v1/fib/", "GET", 404, "not-found"), ("/v1/FIB?n=1", "GET", 404, "not-found"),
            ("/metrics", "GET", 404, "not-found"),
            ("/livez", "GET", 404, "not-found"), ("/v1/fib?n=10", "POST", 405, "method-not-allowed"),
            ("/docs", "DELETE", 405, "method-not-allowed"), ("/x", "OPTIONS", 404, "not-found"),
            ("/x", "POST", 404, "not-found"),
        ]
    )
    func problems(target: String, method: String, status: Int, slug: String) async throws {
        let response = try await request(target, method: try #require(.init(method)), fields: [.xRequestID: "id-7"])
        #expect(response.status.code == status)
        let members = try problem(response)
        #expect(members["type"] as? String == "/docs#\(slug)")
        #expect(members["status"] as? Int == status)
        #expect(members["request_id"] as? String == "id-7")
        #expect(response.fields[.xRequestID] == "id-7")
        #expect(response.fields[.accessControlAllowOrigin] == "*")
        if status == 405 { #expect(response.fields[.allow] == "GET, HEAD, OPTIONS") }
        #expect(recorder.last?.status.code == status)
    }

    @Test(
        "OPTIONS tells the methods and answers a preflight",
        arguments: ["/v1/fib", "/v1/fib?n=abc", "/", "/docs", "*"]
    )
    func options(target: String) async throws {
        let response = try await request(target, method: .options)
        #expect(response.status == .noContent)
        #expect(response.fields[.allow] == "GET, HEAD, OPTIONS")
        #expect(response.fields[.accessControlAllowMethods] == "GET, HEAD, OPTIONS")
        #expect(response.fields[.accessControlAllowHeaders]?.contains("If-None-Match") == true)
        #expect(response.fields[.contentLength] == nil)
    }

    @Test("documents revalidate", arguments: ["/", "/docs", "/openapi.json"])
    func documents(path: String) async throws {
        let first = try await request(path)
        #expect(first.status == .ok)
        let tag = try #require(first.fields[.eTag])
        let second = try await request(path, fields: [.ifNoneMatch: tag])
        #expect(second.status == .notModified)
        let head = try await request(path, method: .head)
        #expect(head.fields[.contentLength] == "\(first.body?.readableBytes ?? -1)")
        #expect(head.body == nil)
    }

    @Test("the first answer is a miss that is stored, the next a hit")
    func cacheStatus() async throws {
        _ = try await request("/v1/fib?n=40000")
        #expect(recorder.last?.cacheStatus == .computed(stored: true))
        _ = try await request("/v1/fib?n=40000", fields: [.accept: "text/plain"])
        #expect(recorder.last?.cacheStatus == .hit)
        #expect(recorder.last?.index == 40_000)
        #expect(recorder.last?.route == "/v1/fib")
    }

    @Test("an abandoned request is logged as such")
    func abandoned() async throws {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await request("/v1/fib?n=1000000")
        }
        task.cancel()
        _ = try await task.value
        #expect(recorder.last?.status.code == 499)
    }
}

@Suite("Failures of the origin", .timeLimit(.minutes(1)))
struct OriginFailureTests {
    private struct FailingOrigin: FibonacciOrigin {
        let error: any Error

        func immediateBody(for index: Int) -> FibonacciBody? { nil }
        func body(for index: Int, redisTime: Duration) async throws -> SourcedBody { throw error }
    }

    private func answer(to error: any Error) async throws -> OutgoingResponse {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let responder = PublicResponder(
            resource: FibonacciResource(maximumIndex: 100, budget: nil),
            source: FibonacciSource(memoryCapacity: 1000, origin: FailingOrigin(error: error)),
            admission: Admission(identity: ClientIdentity(trusting: .none), limiter: nil, spans: .none),
            exchanges: ExchangeRunner(
                dates: HTTPDateCache(),
                observers: [],
                tracing: nil,
                isPublic: true,
                logger: logger
            )
        )
        let target = try #require(RequestTarget("/v1/fib?n=10"))
        return await responder.respond(
            to: IncomingRequest(method: .get, target: target, fields: [:]),
            from: Peer(address: "")
        )
    }

    @Test("a number that fails its integrity check is never served, and the problem tells no internals")
    func integrity() async throws {
        let fault = IntegrityFault(index: 10, attempt: 1, reason: .residue(expected: 55, found: 56))
        let response = try await answer(to: IntegrityError(faults: [fault]))
        #expect(response.status.code == 500)
        let text = response.body.map { String(buffer: $0) } ?? ""
        #expect(text.contains("/docs#internal-error"))
        #expect(!text.contains("residue"))
    }

    @Test("a full queue is 503 with a time to come back")
    func overload() async throws {
        let response = try await answer(to: Problem(kind: .overloaded, detail: "busy", retryAfter: 3))
        #expect(response.status.code == 503)
        #expect(response.fields[.retryAfter] == "3")
    }
}
