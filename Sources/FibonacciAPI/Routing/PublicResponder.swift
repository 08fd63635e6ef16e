import HTTPTypes
import NIOCore
import RateLimiting

/// Answers the public port: finds the route and what it gives.
struct PublicResponder: HTTPResponder {
    let resource: FibonacciResource
    let source: FibonacciSource
    let admission: Admission
    let exchanges: ExchangeRunner

    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse {
        await exchanges.respond(to: request, from: admission.client(of: request, from: peer)) { exchange in
            try await answer(request, &exchange)
        }
    }

    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse {
        let route = request.flatMap { Route(rawValue: $0.target.path) }
        let client = admission.client(of: request, from: peer)
        return exchanges.respond(to: fault, of: request, route: route?.template, from: client) { exchange in
            if route == .fibonacci { admission.chargeFault(for: &exchange) }
        }
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
        switch (request.method, route) {
        case (.get, _), (.head, _): break
        case (.options, .fibonacci):
            await admission.charge(0, for: &exchange)
            return OutgoingResponse(status: .noContent, fields: ResponseFields.options)
        case (.options, _):
            return OutgoingResponse(status: .noContent, fields: ResponseFields.options)
        case (let method, .fibonacci):
            await admission.chargeRefusal(for: &exchange)
            throw Problem.methodNotAllowed(method)
        case (let method, _): throw Problem.methodNotAllowed(method)
        }
        switch route {
        case .fibonacci: return try await fibonacci(request, &exchange)
        case .cost: return try await cost(request, &exchange)
        case .landingPage: return try StaticDocument.landingPage.response(to: request)
        case .reference: return try StaticDocument.reference.response(to: request)
        case .openAPI: return try StaticDocument.openAPI.response(to: request)
        case .health: return StatusDocument.response(status: .ok, ["status": "ok"], to: request)
        }
    }

    private func fibonacci(_ request: IncomingRequest, _ exchange: inout Exchange) async throws -> OutgoingResponse {
        let decision: FibonacciResource.Decision
        do throws(Problem) {
            let index = try resource.index(query: request.target.query)
            exchange.index = index
            decision = try resource.decide(index: index, method: request.method, fields: request.fields)
        } catch {
            await admission.chargeRefusal(for: &exchange)
            throw error
        }
        if let verdict = await admission.charge(decision.cost, for: &exchange), !verdict.isAllowed {
            throw Problem.quotaExceeded(verdict)
        }
        switch decision {
        case .preconditionFailed(let problem):
            throw problem
        case .notModified(let selection):
            exchange.cacheStatus = .validated
            let fields = FibonacciResource.validatorFields(for: selection, cacheStatus: .validated)
            return OutgoingResponse(status: .notModified, fields: fields)
        case .fieldsOnly(let selection):
            let status: CacheStatus = source.isCached(selection.index) ? .hit : .notComputed
            return response(selection, body: nil, status, &exchange)
        case .content(let selection):
            let answer: FibonacciSource.Answer
            if let immediate = source.immediateAnswer(for: selection.index) {
                exchange.isInMemory = immediate.status == .hit
                answer = immediate
            } else {
                exchange.isInMemory = false
                answer = try await source.answer(for: selection.index, redisTime: exchange.redisTime)
            }
            return response(selection, body: answer.body.bytes(in: selection.representation), answer.status, &exchange)
        }
    }

    private func response(
        _ selection: FibonacciResource.Selection,
        body: ByteBuffer?,
        _ cacheStatus: CacheStatus,
        _ exchange: inout Exchange
    ) -> OutgoingResponse {
        exchange.cacheStatus = cacheStatus
        let length = body?.readableBytes ?? selection.representation.contentLength(for: selection.index)
        let fields = FibonacciResource.contentFields(for: selection, cacheStatus: cacheStatus, contentLength: length)
        return OutgoingResponse(status: .ok, fields: fields, body: body)
    }

    /// What `/v1/fib` would take, and what there is to take it from. Free of charge.
    private func cost(_ request: IncomingRequest, _ exchange: inout Exchange) async throws -> OutgoingResponse {
        await admission.charge(0, for: &exchange)
        let index = try resource.index(query: request.target.query)
        exchange.index = index
        return CostDocument.response(for: index, to: request)
    }
}
