import HTTPTypes

/// Fields that answers share.
enum ResponseFields {
    /// The fields that scripts of other origins may read (Fetch standard, CORS protocol).
    static let exposed = [
        "Allow", "Cache-Status", "Content-Length", "ETag", "RateLimit", "RateLimit-Policy", "Retry-After",
        "X-Precision",
        "X-RateLimit-Cost", "X-RateLimit-Mode", "X-RateLimit-Remaining", "X-Request-ID",
    ].joined(separator: ", ")

    /// Fields that a script may send beyond the safelisted ones.
    static let allowed = "Accept, If-Match, If-None-Match, X-Request-ID"

    /// Adds what every answer of the public port carries.
    static func addPublic(to fields: inout HTTPFields) {
        fields.append(HTTPField(name: .accessControlAllowOrigin, value: "*"))
        fields.append(HTTPField(name: .accessControlExposeHeaders, value: exposed))
        fields.append(HTTPField(name: .xContentTypeOptions, value: "nosniff"))
    }

    /// The fields of a `OPTIONS` answer, which is a CORS preflight's, too.
    static var options: HTTPFields {
        [
            .allow: AllowedMethods.fieldValue,
            .accessControlAllowMethods: AllowedMethods.fieldValue,
            .accessControlAllowHeaders: allowed,
            .accessControlMaxAge: "86400",
            .cacheControl: "no-store",
        ]
    }
}
