import HTTPTypes

/// An error answer as a problem detail (RFC 9457).
struct Problem: Error, Equatable, Sendable {
    /// The kinds of problems; each has a section of its slug in the reference under `/docs`.
    enum Kind: String, CaseIterable, Sendable {
        case invalidParameter = "invalid-parameter"
        case badRequest = "bad-request"
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case notAcceptable = "not-acceptable"
        case requestTimeout = "request-timeout"
        case preconditionFailed = "precondition-failed"
        case contentTooLarge = "content-too-large"
        case uriTooLong = "uri-too-long"
        case indexTooLarge = "n-too-large"
        case costExceedsBudget = "cost-exceeds-budget"
        case quotaExceeded = "quota-exceeded"
        case headerFieldsTooLarge = "header-fields-too-large"
        case internalError = "internal-error"
        case notImplemented = "not-implemented"
        case overloaded = "overloaded"
        case httpVersionNotSupported = "http-version-not-supported"

        /// The status code that goes with the kind.
        var status: HTTPResponse.Status {
            switch self {
            case .invalidParameter, .badRequest: .badRequest
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .notAcceptable: .notAcceptable
            case .requestTimeout: .requestTimeout
            case .preconditionFailed: .preconditionFailed
            case .contentTooLarge: .contentTooLarge
            case .uriTooLong: .uriTooLong
            case .indexTooLarge, .costExceedsBudget: .unprocessableContent
            case .quotaExceeded: .tooManyRequests
            case .headerFieldsTooLarge: .requestHeaderFieldsTooLarge
            case .internalError: .internalServerError
            case .notImplemented: .notImplemented
            case .overloaded: .serviceUnavailable
            case .httpVersionNotSupported: .httpVersionNotSupported
            }
        }

        /// A summary that is the same for every occurrence.
        var title: String {
            switch self {
            case .invalidParameter: "Invalid parameter"
            case .badRequest: "Bad request"
            case .notFound: "Not found"
            case .methodNotAllowed: "Method not allowed"
            case .notAcceptable: "Not acceptable"
            case .requestTimeout: "Request timeout"
            case .preconditionFailed: "Precondition failed"
            case .contentTooLarge: "Content too large"
            case .uriTooLong: "URI too long"
            case .indexTooLarge: "n is too large"
            case .costExceedsBudget: "Cost exceeds budget"
            case .quotaExceeded: "Quota exceeded"
            case .headerFieldsTooLarge: "Header fields too large"
            case .internalError: "Internal error"
            case .notImplemented: "Not implemented"
            case .overloaded: "Overloaded"
            case .httpVersionNotSupported: "HTTP version not supported"
            }
        }
    }

    /// A member beyond those of RFC 9457 §3.1.
    enum Extension: Equatable, Sendable {
        case parameter(String)
        case maximumIndex(Int)
        case available([String])
        case allow([String])
        case cost(Int)
        case budget(Int)
    }

    /// Which problem it is.
    var kind: Kind
    /// What happened this time and what the caller can do about it.
    var detail: String
    /// Members that a program can act on.
    var extensions: [Extension] = []
    /// Seconds until a retry makes sense, for kinds that pass.
    var retryAfter: Int?

    /// The `application/problem+json` document.
    ///
    /// - Parameters:
    ///   - instance: the path of the request.
    ///   - requestID: the identifier that the log line bears, too.
    func document(instance: String, requestID: String) -> [UInt8] {
        var object = JSONObject()
        object.append("type", "/docs#\(kind.rawValue)")
        object.append("title", kind.title)
        object.append("status", kind.status.code)
        object.append("detail", detail)
        object.append("instance", Self.uriReference(instance))
        object.append("request_id", requestID)
        for member in extensions {
            switch member {
            case .parameter(let name): object.append("parameter", name)
            case .maximumIndex(let index): object.append("max_n", index)
            case .available(let types): object.append("available", types)
            case .allow(let methods): object.append("allow", methods)
            case .cost(let cost): object.append("cost", cost)
            case .budget(let budget): object.append("budget", budget)
            }
        }
        return object.finished
    }

    /// `path` with everything percent-encoded that a URI may not hold (RFC 3986 §3.3).
    private static func uriReference(_ path: String) -> String {
        if path.utf8.allSatisfy(\.isPathCharacter) { return path }
        let hexDigits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in path.utf8 {
            if byte.isPathCharacter {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
