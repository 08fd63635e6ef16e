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

    /// The answer to a request that could not be read.
    func response(to fault: ConnectionFault, from peer: Peer) -> OutgoingResponse {
        let started = ContinuousClock.now
        let requestID = RequestIdentifier.make()
        var exchange = Exchange(requestID: requestID, method: Exchange.unknownMethod, peer: peer)
        var response = Self.response(to: Problem(fault), method: nil, path: "/", requestID: requestID)
        finish(&response, of: &exchange, started: started)
        return response
    }
}

extension Problem {
    /// The problem that tells a client of a fault of its connection.
    init(_ fault: ConnectionFault) {
        switch fault {
        case .badRequest(let reason):
            self.init(kind: .badRequest, detail: reason)
        case .requestTimeout:
            self.init(
                kind: .requestTimeout,
                detail: "The request did not arrive in time. Send it again, without pauses."
            )
        case .contentTooLarge(let limit):
            self.init(
                kind: .contentTooLarge,
                detail: "The request body has more than \(limit) bytes. No resource here needs a body."
            )
        case .targetTooLong(let limit):
            self.init(kind: .uriTooLong, detail: "The request target has more than \(limit) bytes.")
        case .headerSectionTooLarge(let limit, let fields):
            self.init(
                kind: .headerFieldsTooLarge,
                detail: "The header section has more than \(limit) bytes or more than \(fields) fields."
            )
        case .methodUnknown:
            self.init(
                kind: .notImplemented,
                detail:
                    "The method is not known. Methods are case-sensitive; the ones here are \(AllowedMethods.fieldValue)."
            )
        case .versionNotSupported:
            self.init(kind: .httpVersionNotSupported, detail: "Use HTTP/1.1 or HTTP/1.0.")
        }
    }

    /// No such path.
    static let notFound = Problem(kind: .notFound, detail: "There is nothing at this path. The reference is at /docs.")

    /// A path that exists, and a method that it does not have.
    static func methodNotAllowed(_ method: HTTPRequest.Method) -> Problem {
        Problem(
            kind: .methodNotAllowed,
            detail: "\(method.rawValue) is not allowed here; \(AllowedMethods.fieldValue) are.",
            extensions: [.allow(AllowedMethods.names)]
        )
    }
}
