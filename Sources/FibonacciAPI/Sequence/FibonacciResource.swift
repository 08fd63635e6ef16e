import Fibonacci
import HTTPTypes
import NIOCore

/// `/v1/fib`: decides what a GET or HEAD request gets, on plain values and without a value of the sequence.
struct FibonacciResource: Sendable {
    /// A request for something that there is.
    struct Selection: Equatable, Sendable {
        var index: Int
        var representation: Representation
    }

    /// What a valid request gets.
    enum Decision: Equatable, Sendable {
        /// 412.
        case preconditionFailed(Problem)
        /// 304: the client's copy is current.
        case notModified(Selection)
        /// 200 to a HEAD request.
        case fieldsOnly(Selection)
        /// 200 to a GET request, which needs the number.
        case content(Selection)

        /// The tokens that it takes. Only the number itself is work.
        var cost: Int {
            switch self {
            case .content(let selection): Fibonacci.cost(at: selection.index)
            case .preconditionFailed, .notModified, .fieldsOnly: Admission.basicCost
            }
        }
    }

    /// The largest index that is answered.
    let maximumIndex: Int
    /// The most tokens that a request can take; nil if there is no limit.
    let budget: Int?

    /// The index that the query asks for.
    ///
    /// - Throws: an `invalid-parameter` or `n-too-large` problem.
    func index(query: Substring) throws(Problem) -> Int {
        try FibonacciIndex.parse(QueryParameters(query), maximum: maximumIndex)
    }

    /// What a GET or HEAD request for `index` gets.
    ///
    /// - Throws: a `not-acceptable` or `cost-exceeds-budget` problem.
    func decide(index: Int, method: HTTPRequest.Method, fields: HTTPFields) throws(Problem) -> Decision {
        let selection = try select(index: index, fields: fields)
        let entityTag = selection.representation.entityTag(for: index)
        switch Preconditions.evaluate(fields, current: entityTag) {
        case .failed:
            return .preconditionFailed(
                Problem(
                    kind: .preconditionFailed,
                    detail: "If-Match names another entity tag than the current one, which is \(entityTag.fieldValue)."
                )
            )
        case .notModified: return .notModified(selection)
        case .proceed where method == .head: return .fieldsOnly(selection)
        case .proceed:
            let decision = Decision.content(selection)
            if let budget, decision.cost > budget {
                throw .costExceedsBudget(cost: decision.cost, budget: budget)
            }
            return decision
        }
    }

    /// The representation that `Accept` selects.
    private func select(index: Int, fields: HTTPFields) throws(Problem) -> Selection {
        guard let representation = Representation.negotiate(accept: fields[values: .accept]) else {
            let types = Representation.mediaTypes
            throw Problem(
                kind: .notAcceptable,
                detail: "Accept excludes every representation there is: \(types.joined(separator: ", ")).",
                extensions: [.available(types)]
            )
        }
        return Selection(index: index, representation: representation)
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
