import HTTPTypes
import NIOCore

/// What both ports do to an answer: its identifier, its date, its problem document, and the word to the observers.
struct ExchangeFinisher: Sendable {
    let dates: HTTPDateCache
    let observers: [any ExchangeObserver]
    /// Whether scripts of other origins may read the answers.
    let isPublic: Bool

    /// Renders a problem.
    static func response(to problem: Problem, method: HTTPRequest.Method?, path: String, requestID: String)
        -> OutgoingResponse
    {
        let document = problem.document(instance: path, requestID: requestID)
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
            body: method == .head ? nil : ByteBuffer(bytes: document)
        )
    }

    /// Adds the fields that every answer has and tells the observers.
    func finish(_ response: inout OutgoingResponse, of exchange: inout Exchange, started: ContinuousClock.Instant) {
        if isPublic { ResponseFields.addPublic(to: &response.fields) }
        response.fields.append(HTTPField(name: .xRequestID, value: exchange.requestID))
        response.fields.append(HTTPField(name: .date, value: dates.now))
        exchange.status = response.status
        exchange.bodyBytes = response.body?.readableBytes ?? 0
        exchange.duration = ContinuousClock.now - started
        for observer in observers {
            observer.exchangeFinished(exchange)
        }
    }

    /// The answer to a request that could not be read, or only in part.
    func response(
        to fault: ConnectionFault,
        of request: IncomingRequest?,
        route: String?,
        from peer: Peer
    ) -> OutgoingResponse {
        let started = ContinuousClock.now
        var exchange = Exchange(
            requestID: RequestIdentifier.identifier(for: request?.fields ?? [:]),
            method: request?.method.rawValue ?? Exchange.unknownMethod,
            route: route ?? Exchange.unmatchedRoute,
            peer: peer
        )
        var response = Self.response(
            to: Problem(fault),
            method: request?.method,
            path: request?.target.path ?? "/",
            requestID: exchange.requestID
        )
        finish(&response, of: &exchange, started: started)
        return response
    }
}
