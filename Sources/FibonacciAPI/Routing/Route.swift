import HTTPTypes

/// The paths of the public port.
enum Route: String, CaseIterable, Sendable {
    case landingPage = "/"
    case fibonacci = "/v1/fib"
    case cost = "/v1/cost"
    case openAPI = "/openapi.json"
    case reference = "/docs"
    case health = "/healthz"

    /// The path as a template, for telemetry.
    var template: String { rawValue }
}

/// The paths of the admin port.
enum AdminRoute: String, CaseIterable, Sendable {
    case liveness = "/livez"
    case readiness = "/readyz"
    case version = "/version"
    case metrics = "/metrics"

    /// The path as a template, for telemetry.
    var template: String { rawValue }
}

/// What every resource of this service allows.
enum AllowedMethods {
    /// In the order of `Allow` (RFC 9110 §10.2.1).
    static let names = ["GET", "HEAD", "OPTIONS"]
    static let fieldValue = names.joined(separator: ", ")
}
