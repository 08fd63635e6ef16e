import Fibonacci
import HTTPTypes
import NIOCore

/// `/v1/fib`: decides what a GET or HEAD request gets, on plain values and without a value of the sequence.
struct FibonacciResource: Sendable {
    /// A request for something that there is.
    struct Selection: Equatable, Sendable {
        var index: Int
        var representation: Representation
        var cost: Int
    }

    /// The largest index that is answered.
    let maximumIndex: Int

    /// The index that the query asks for.
    ///
    /// - Throws: an `invalid-parameter` or `n-too-large` problem.
    func index(query: Substring) throws(Problem) -> Int {
        try FibonacciIndex.parse(QueryParameters(query), maximum: maximumIndex)
    }

    /// The representation that `Accept` selects.
    ///
    /// - Throws: a `not-acceptable` problem.
    func select(index: Int, fields: HTTPFields) throws(Problem) -> Selection {
        guard let representation = Representation.negotiate(accept: fields[values: .accept]) else {
            let types = Representation.mediaTypes
            throw Problem(
                kind: .notAcceptable,
                detail: "Accept excludes every representation there is: \(types.joined(separator: ", ")).",
                extensions: [.available(types)]
            )
        }
        return Selection(index: index, representation: representation, cost: Fibonacci.cost(at: index))
    }

    /// Whether the client's copy is current.
    ///
    /// - Throws: a `precondition-failed` problem.
    func isNotModified(_ selection: Selection, fields: HTTPFields) throws(Problem) -> Bool {
        let entityTag = selection.representation.entityTag(for: selection.index)
        switch Preconditions.evaluate(fields, current: entityTag) {
        case .proceed: return false
        case .notModified: return true
        case .failed:
            throw Problem(
                kind: .preconditionFailed,
                detail: "If-Match names another entity tag than the current one, which is \(entityTag.fieldValue)."
            )
        }
    }

    /// The fields that 200 and 304 share.
    static func validatorFields(for selection: Selection, cacheStatus: CacheStatus) -> HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(16)
        fields.append(
            HTTPField(name: .eTag, value: selection.representation.entityTag(for: selection.index).fieldValue)
        )
        fields.append(HTTPField(name: .cacheControl, value: "public, max-age=86400, immutable"))
        fields.append(HTTPField(name: .vary, value: "Accept"))
        fields.append(HTTPField(name: .cacheStatus, value: cacheStatus.fieldValue))
        fields.append(HTTPField(name: .xRateLimitCost, value: "\(selection.cost)"))
        return fields
    }

    /// The fields of a 200, for GET and HEAD.
    static func contentFields(
        for selection: Selection,
        cacheStatus: CacheStatus,
        contentLength: Int
    ) -> HTTPFields {
        var fields = validatorFields(for: selection, cacheStatus: cacheStatus)
        fields.append(HTTPField(name: .contentType, value: selection.representation.contentType))
        fields.append(HTTPField(name: .contentLength, value: "\(contentLength)"))
        fields.append(HTTPField(name: .xPrecision, value: Representation.precision(for: selection.index)))
        return fields
    }
}
