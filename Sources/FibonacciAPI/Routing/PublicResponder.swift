import Fibonacci
import HTTPTypes
import NIOCore

/// Answers the public port: finds the route and what it gives.
struct PublicResponder: HTTPResponder {
    let resource: FibonacciResource
    let source: FibonacciSource
    let exchanges: ExchangeRunner

    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse {
        await exchanges.respond(to: request, from: peer) { exchange in
            try await answer(request, &exchange)
        }
    }

    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse {
        let route = request.flatMap { Route(rawValue: $0.target.path)?.template }
        return exchanges.respond(to: fault, of: request, route: route, from: peer)
    }

    private func answer(
        _ request: IncomingRequest,
        _ exchange: inout Exchange
    ) async throws -> OutgoingResponse {
        let target = request.target
        if target.path == "*", request.method == .options {
            return OutgoingResponse(status: .noContent, fields: ResponseFields.options)
        }
        guard let route = Route(rawValue: target.path) else { throw Problem.notFound }
        exchange.route = route.template
        switch request.method {
        case .get, .head: break
        case .options: return OutgoingResponse(status: .noContent, fields: ResponseFields.options)
        default: throw Problem.methodNotAllowed(request.method)
        }
        switch route {
        case .fibonacci: return try await fibonacci(request, query: target.query, &exchange)
        case .landingPage: return try StaticDocument.landingPage.response(to: request)
        case .reference: return try StaticDocument.reference.response(to: request)
        case .openAPI: return try StaticDocument.openAPI.response(to: request)
        case .health: return StatusDocument.response(status: .ok, ["status": "ok"], to: request)
        }
    }

    private func fibonacci(
        _ request: IncomingRequest,
        query: Substring,
        _ exchange: inout Exchange
    ) async throws -> OutgoingResponse {
        let index = try resource.index(query: query)
        exchange.index = index
        exchange.cost = Fibonacci.cost(at: index)
        let selection = try resource.select(index: index, fields: request.fields)
        // The rate limiter's place: behind validation, before preconditions are judged and before any work.
        if try resource.isNotModified(selection, fields: request.fields) {
            exchange.cacheStatus = .validated
            let fields = FibonacciResource.validatorFields(for: selection, cacheStatus: .validated)
            return OutgoingResponse(status: .notModified, fields: fields)
        }
        let body: ByteBuffer?
        let cacheStatus: CacheStatus
        if request.method == .head {
            body = nil
            cacheStatus = source.isCached(index) ? .hit : .notComputed
        } else {
            let answer: FibonacciSource.Answer
            if let immediate = source.immediateAnswer(for: index) {
                answer = immediate
            } else {
                answer = try await source.answer(for: index)
            }
            body = answer.body.bytes(in: selection.representation)
            cacheStatus = answer.status
        }
        exchange.cacheStatus = cacheStatus
        let length = body?.readableBytes ?? selection.representation.contentLength(for: index)
        let fields = FibonacciResource.contentFields(for: selection, cacheStatus: cacheStatus, contentLength: length)
        return OutgoingResponse(status: .ok, fields: fields, body: body)
    }
}
