import HTTPTypes
import Logging
import NIOCore
import OTLPTracing
import Tracing

/// Runs an exchange on either port: identifies the request, turns whatever goes wrong into a problem, adds the fields that every
/// answer has, and tells the observers.
struct ExchangeRunner: Sendable {
    let dates: HTTPDateCache
    let observers: [any ExchangeObserver]
    /// Makes the spans of exchanges; nil makes none.
    let tracing: ExchangeTracing?
    /// Whether scripts of other origins may read the answers.
    let isPublic: Bool
    let logger: Logger

    /// The answer that `answer` gives, or the problem that it throws.
    func respond(
        to request: IncomingRequest,
        from client: Client,
        _ answer: (inout Exchange) async throws -> OutgoingResponse
    ) async -> OutgoingResponse {
        let started = ContinuousClock.now
        var exchange = Exchange(
            requestID: RequestIdentifier.identifier(for: request.fields),
            method: request.method.rawValue,
            client: client
        )
        for observer in observers { observer.exchangeBegan() }
        exchange.span = tracing?.begin(request)
        var response: OutgoingResponse
        do {
            if let span = exchange.span, span.isRecording {
                // Spans of what is done for it find it by this.
                response = try await ServiceContext.withValue(span.context) { try await answer(&exchange) }
            } else {
                response = try await answer(&exchange)
            }
        } catch {
            if error is CancellationError {
                // Nobody receives it.
                response = OutgoingResponse(status: .clientClosedRequest, fields: [:], body: nil)
            } else {
                let problem = problem(for: error, exchange)
                exchange.problem = problem.kind
                response = render(problem, for: request, requestID: exchange.requestID)
            }
        }
        finish(&response, of: &exchange, request, started: started)
        return response
    }

    /// The answer to a request that could not be read, or only in part.
    ///
    /// - Parameter prepare: is handed the exchange before it is answered.
    func respond(
        to fault: ConnectionFault,
        of request: IncomingRequest?,
        route: String?,
        from client: Client,
        _ prepare: (inout Exchange) -> Void = { _ in }
    ) -> OutgoingResponse {
        let started = ContinuousClock.now
        var exchange = Exchange(
            requestID: RequestIdentifier.identifier(for: request?.fields ?? [:]),
            method: request?.method.rawValue ?? Exchange.unknownMethod,
            route: route ?? Exchange.unmatchedRoute,
            client: client
        )
        for observer in observers { observer.exchangeBegan() }
        exchange.span = tracing?.begin(request)
        prepare(&exchange)
        let problem = Problem(fault)
        exchange.problem = problem.kind
        var response = render(problem, for: request, requestID: exchange.requestID)
        finish(&response, of: &exchange, request, started: started)
        return response
    }

    private func problem(for error: any Error, _ exchange: Exchange) -> Problem {
        if let problem = error as? Problem { return problem }
        logger.error("request failed", metadata: ["request_id": "\(exchange.requestID)", "error": "\(error)"])
        exchange.span?.recordError(error)
        return Problem(
            kind: .internalError,
            detail: "The service failed to answer. The fault is logged under this request_id."
        )
    }

    private func render(_ problem: Problem, for request: IncomingRequest?, requestID: String) -> OutgoingResponse {
        let document = problem.document(instance: request?.target.path ?? "/", requestID: requestID)
        var fields: HTTPFields = [
            .contentType: "application/problem+json",
            .contentLength: "\(document.count)",
            .cacheControl: "no-store",
        ]
        if let retryAfter = problem.retryAfter { fields[.retryAfter] = "\(retryAfter)" }
        if problem.kind == .methodNotAllowed { fields[.allow] = AllowedMethods.fieldValue }
        // The same address has other answers for another Accept field.
        if problem.kind == .notAcceptable { fields[.vary] = "Accept" }
        return OutgoingResponse(
            status: problem.kind.status,
            fields: fields,
            body: request?.method == .head ? nil : ByteBuffer(bytes: document)
        )
    }

    private func finish(
        _ response: inout OutgoingResponse,
        of exchange: inout Exchange,
        _ request: IncomingRequest?,
        started: ContinuousClock.Instant
    ) {
        for field in exchange.answerFields { response.fields.append(field) }
        if isPublic { ResponseFields.addPublic(to: &response.fields) }
        response.fields.append(HTTPField(name: .xRequestID, value: exchange.requestID))
        response.fields.append(HTTPField(name: .date, value: dates.now))
        exchange.status = response.status
        exchange.bodyBytes = response.body?.readableBytes ?? 0
        exchange.duration = ContinuousClock.now - started
        // Before the span ends, while it still says whether it is recorded.
        for observer in observers { observer.exchangeFinished(exchange) }
        tracing?.end(exchange, request)
    }
}

extension HTTPResponse.Status {
    /// What logs say when the client went away before its answer was ready; nobody receives it.
    static let clientClosedRequest = HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")
}
