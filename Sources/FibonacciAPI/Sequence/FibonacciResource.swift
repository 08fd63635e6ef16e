import Fibonacci
import HTTPTypes
import NIOCore

/// `/v1/fib`: decides what a GET or HEAD request gets. Pure but for the body of a 200.
struct FibonacciResource: Sendable {
    /// A request that will be answered.
    struct Accepted: Equatable, Sendable {
        var index: Int
        var representation: Representation
        var cost: Int
    }

    /// What the request gets.
    enum Decision: Equatable, Sendable {
        case notModified(Accepted)
        case body(Accepted)
    }

    /// The largest index that is answered.
    let maximumIndex: Int

    /// Judges a request: the parameter, then negotiation, then preconditions. O(1) but for the length of the request.
    ///
    /// - Throws: the problem that answers it.
    func decide(query: Substring, fields: HTTPFields) throws(Problem) -> Decision {
        let index = try FibonacciIndex.parse(QueryParameters(query), maximum: maximumIndex)
        guard let representation = Representation.negotiate(accept: fields[values: .accept]) else {
            let types = Representation.mediaTypes
            throw Problem(
                kind: .notAcceptable,
                detail: "Accept excludes every representation there is: \(types.joined(separator: ", ")).",
                extensions: [.available(types)]
            )
        }
        let accepted = Accepted(index: index, representation: representation, cost: Fibonacci.cost(at: index))
        let entityTag = representation.entityTag(for: index)
        switch Preconditions.evaluate(fields, current: entityTag) {
        case .proceed: return .body(accepted)
        case .notModified: return .notModified(accepted)
        case .failed:
            throw Problem(
                kind: .preconditionFailed,
                detail: "If-Match names another entity tag than the current one, which is \(entityTag.fieldValue)."
            )
        }
    }

    /// The fields that 200 and 304 share.
    static func validatorFields(for accepted: Accepted, cacheStatus: CacheStatus) -> HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(16)
        fields.append(HTTPField(name: .eTag, value: accepted.representation.entityTag(for: accepted.index).fieldValue))
        fields.append(HTTPField(name: .cacheControl, value: "public, max-age=86400, immutable"))
        fields.append(HTTPField(name: .vary, value: "Accept"))
        fields.append(HTTPField(name: .cacheStatus, value: cacheStatus.fieldValue))
        fields.append(HTTPField(name: .xRateLimitCost, value: "\(accepted.cost)"))
        return fields
    }

    /// The fields of a 200, for GET and HEAD.
    static func contentFields(
        for accepted: Accepted,
        cacheStatus: CacheStatus,
        contentLength: Int
    ) -> HTTPFields {
        var fields = validatorFields(for: accepted, cacheStatus: cacheStatus)
        fields.append(HTTPField(name: .contentType, value: accepted.representation.contentType))
        fields.append(HTTPField(name: .contentLength, value: "\(contentLength)"))
        fields.append(HTTPField(name: .xPrecision, value: Representation.precision(for: accepted.index)))
        return fields
    }
}
