import HTTPTypes
import RateLimiting
import RawStructuredFieldValues

/// Renders what the limiter says: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers, which are structured
/// fields (RFC 9651), and the older `X-RateLimit-…`.
struct RateLimitFields: Sendable {
    /// The only policy there is, by the name that the draft's examples give it.
    private static let policyName = "default"

    private let policyField: HTTPField?
    /// What stands before, between and behind the two figures of `RateLimit`, as the serializer writes it: only they change.
    private let limitText: [Substring]

    /// - Parameter policy: nil if nothing is limited; then only the cost is told.
    init(policy: TokenBucketPolicy?) {
        policyField = policy.map { policy in
            let value = Self.serialize([("q", policy.budget), ("w", policy.window)])
            return HTTPField(name: .rateLimitPolicy, value: value)
        }
        limitText = Self.serialize([("r", 0), ("t", 0)]).split(separator: "0", omittingEmptySubsequences: false)
    }

    /// The fields of an answer.
    ///
    /// - Parameter cost: the tokens that the request has taken, or would have.
    func fields(cost: Int, verdict: Verdict?) -> HTTPFields {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .xRateLimitCost, value: "\(cost)"))
        guard let verdict, let policyField else { return fields }
        fields.append(HTTPField(name: .xRateLimitRemaining, value: "\(verdict.remaining)"))
        fields.append(policyField)
        let seconds = verdict.retrySeconds ?? verdict.resetSeconds
        // An integer is its decimal digits (RFC 9651 §4.1.4).
        let value = "\(limitText[0])\(verdict.remaining)\(limitText[1])\(seconds)\(limitText[2])"
        fields.append(HTTPField(name: .rateLimit, value: value))
        if verdict.mode == .local {
            fields.append(HTTPField(name: .xRateLimitMode, value: Verdict.Mode.local.rawValue))
        }
        return fields
    }

    private static func serialize(_ parameters: [(String, Int)]) -> String {
        var item = Item(bareItem: RFC9651BareItem.string(policyName), parameters: [:])
        for (name, value) in parameters {
            item.rfc9651Parameters[name] = .integer(Int64(value))
        }
        var serializer = StructuredFieldValueSerializer()
        let bytes = (try? serializer.writeListFieldValue([.item(item)])) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}
