import HTTPTypes

extension HTTPField.Name {
    /// A name that is known to be a token.
    private static func known(_ name: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a token") }
        return name
    }

    static let cacheStatus = known("Cache-Status")
    static let rateLimit = known("RateLimit")
    static let rateLimitPolicy = known("RateLimit-Policy")
    static let traceparent = known("traceparent")
    static let tracestate = known("tracestate")
    static let xForwardedFor = known("X-Forwarded-For")
    static let xPrecision = known("X-Precision")
    static let xRateLimitCost = known("X-RateLimit-Cost")
    static let xRateLimitMode = known("X-RateLimit-Mode")
    static let xRateLimitRemaining = known("X-RateLimit-Remaining")
    static let xRequestID = known("X-Request-ID")
}
