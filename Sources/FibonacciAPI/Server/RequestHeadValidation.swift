import HTTPTypes
import NIOCore
import NIOHTTP1

/// Checks what the parser lets through and translates what it rejects (RFC 9112 §2.2, §3).
enum RequestHeadValidation {
    /// The request that `head` begins.
    ///
    /// - Throws: the limit that it breaks or the rule that it violates.
    static func request(
        from head: HTTPRequestHead,
        limits: ConnectionLimits
    ) throws(ConnectionFault) -> IncomingRequest {
        if head.uri.utf8.count > limits.maximumTargetLength {
            throw .targetTooLong(limit: limits.maximumTargetLength)
        }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if size > limits.maximumHeaderSectionSize || head.headers.count > limits.maximumFieldCount {
            throw .headerSectionTooLarge(limit: limits.maximumHeaderSectionSize, fields: limits.maximumFieldCount)
        }
        guard head.version == .http1_1 || head.version == .http1_0 else { throw .versionNotSupported }
        guard let method = HTTPRequest.Method(head.method.rawValue), method != .connect else { throw .methodUnknown }
        guard let target = RequestTarget(head.uri), target.path != "*" || method == .options else {
            throw .badRequest(
                reason: "The request target is neither a path nor an http or https URI, or it has a fragment."
            )
        }
        try checkHost(head)
        try checkFraming(head)
        return IncomingRequest(method: method, target: target, fields: fields(of: head))
    }

    /// As much of the request as tells who asked for what, although it breaks a rule.
    static func faultyRequest(from head: HTTPRequestHead, limits: ConnectionLimits) -> IncomingRequest? {
        guard head.uri.utf8.count <= limits.maximumTargetLength,
            let method = HTTPRequest.Method(head.method.rawValue),
            let target = RequestTarget(head.uri)
        else { return nil }
        return IncomingRequest(method: method, target: target, fields: fields(of: head))
    }

    private static func fields(of head: HTTPRequestHead) -> HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            // The parser lets only tokens through.
            guard let name = HTTPField.Name(name) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }

    /// RFC 9112 §6.1: transfer codings are HTTP/1.1's, and the only one here is chunked.
    private static func checkFraming(_ head: HTTPRequestHead) throws(ConnectionFault) {
        let codings = head.headers[canonicalForm: "Transfer-Encoding"]
        guard let coding = codings.first else { return }
        guard head.version != .http1_0 else { throw .badRequest(reason: "HTTP/1.0 has no Transfer-Encoding.") }
        guard codings.count == 1, coding.lowercased() == "chunked" else { throw .transferCodingUnknown }
    }

    private static func checkHost(_ head: HTTPRequestHead) throws(ConnectionFault) {
        var hosts = head.headers[canonicalForm: "Host"].makeIterator()
        guard let host = hosts.next() else {
            if head.version == .http1_0 { return }
            throw .badRequest(reason: "HTTP/1.1 requires a Host field, and there is none.")
        }
        guard hosts.next() == nil, host.utf8.allSatisfy(\.isHostCharacter) else {
            throw .badRequest(reason: "The Host field must be given once and hold one host and port.")
        }
    }

    /// The fault that an error of the parser means.
    ///
    /// - Returns: nil if it is no error of the parser.
    static func fault(for error: any Error, trace: RequestTrace, limits: ConnectionLimits) -> ConnectionFault? {
        guard let error = error as? HTTPParserError else {
            return error is ByteToMessageDecoderError ? .badRequest(reason: "The request could not be parsed.") : nil
        }
        switch error {
        case .headerOverflow:
            return trace.lineLength > limits.maximumTargetLength
                ? .targetTooLong(limit: limits.maximumTargetLength)
                : .headerSectionTooLarge(limit: limits.maximumHeaderSectionSize, fields: limits.maximumFieldCount)
        case _ where trace.namesForeignVersion:
            return .versionNotSupported
        case .invalidMethod where trace.startsWithMethod:
            return .methodUnknown
        default:
            return .badRequest(reason: "The request could not be parsed: \(reason(for: error)).")
        }
    }

    private static func reason(for error: HTTPParserError) -> String {
        switch error {
        case .invalidMethod: "it does not start with a method"
        case .invalidURL, .invalidHost, .invalidPort, .invalidPath, .invalidQueryString, .invalidFragment:
            "its target is not valid"
        case .lfExpected, .invalidCharactersUsed, .invalidConstant: "a line is malformed"
        case .invalidHeaderToken: "a field is malformed"
        case .invalidContentLength, .unexpectedContentLength: "its Content-Length is not valid"
        case .invalidChunkSize: "a chunk is malformed"
        case .invalidEOFState, .closedConnection: "it ended too early"
        default: "it is not HTTP/1.1"
        }
    }
}
