import HTTPTypes

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
        case .transferCodingUnknown:
            self.init(kind: .notImplemented, detail: "The only transfer coding here is chunked.")
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
