import Configuration

@testable import FibonacciAPI
@testable import OTLPTracing
@testable import RedisClient

/// The settings: they are valid, or one line says which is not, and never what is secret.
enum ConfigurationCheck {
    /// Takes the place of `pw` in what may hold a secret: no message has these letters by chance.
    private static let marker = "tr0ub4dor"
    /// No message shows any part of these.
    private static let secret: Set = [
        "REDIS_URL", "RATE_LIMIT_REDIS_URL", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    ]
    /// These hold no secrets unless they look as if they had user information or a query.
    private static let endpoints: Set = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]

    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        let environment = environment(input)
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
        do {
            try check(try ServiceConfiguration(reader: reader), of: environment)
        } catch let error as ConfigurationError {
            try check(error)
        } catch let violation as Violation {
            throw violation
        } catch {
            throw Violation(description: "a wrong setting is a ConfigurationError, not \(error)")
        }
    }

    private static func environment(_ input: UnsafeBufferPointer<UInt8>) -> [String: String] {
        var environment: [String: String] = [:]
        for variable in Input.parts(input, at: 0).prefix(64) {
            guard let equals = variable.utf8.firstIndex(of: 0x3D) else { continue }
            let name = String(variable[..<equals])
            var value = String(variable[variable.utf8.index(after: equals)...])
            // Files are read, and not every machine has the same.
            if name.hasSuffix("_FILE") || name.hasSuffix("_CERTIFICATE") { continue }
            if value.utf8.firstRange(of: marker.utf8) != nil { continue }
            if secret.contains(name) || (endpoints.contains(name) && value.utf8.contains { $0 == 0x3F || $0 == 0x40 }) {
                value = value.split(separator: "pw", omittingEmptySubsequences: false).joined(separator: marker)
            }
            environment[name] = value
        }
        return environment
    }

    private static func check(_ error: ConfigurationError) throws(Violation) {
        let text = error.description
        try require(Input.isVisible(text), "an error is one line of visible ASCII: \(text.debugDescription)")
        try require(text.utf8.count <= 2048, "an error is short: \(text)")
        try require(
            !error.variable.isEmpty && error.variable.utf8.allSatisfy { $0 == 0x5F || (0x41...0x5A).contains($0) }
                && text.hasPrefix(error.variable),
            "an error begins with the variable: \(text)"
        )
        try require(text.utf8.firstRange(of: marker.utf8) == nil, "an error shows no secret: \(text)")
    }

    private static func check(_ configuration: ServiceConfiguration, of environment: [String: String]) throws(Violation)
    {
        try require(!configuration.host.isEmpty && Input.isVisible(configuration.host), "the host is visible")
        try require((0...65_535).contains(configuration.port), "the port is one")
        try require((0...65_535).contains(configuration.adminPort), "the admin port is one")
        try require(configuration.port == 0 || configuration.port != configuration.adminPort, "the ports differ")
        try require((0...1_000_000_000).contains(configuration.maximumIndex), "the largest n is within its range")
        try require((1...1024).contains(configuration.computeThreads), "there are threads")
        for (name, held) in [("FIB_MAX_N", configuration.maximumIndex), ("ADMIN_PORT", configuration.adminPort)] {
            if let text = environment[name] { try require(Int(text) == held, "\(name) is what was said: \(held)") }
        }
        for redis in [configuration.redis, configuration.rateLimit?.redis].compactMap({ $0 }) {
            try require(!redis.endpoint.host.isEmpty, "Redis has a host")
            try require((1...65_535).contains(redis.endpoint.port), "Redis has a port")
            try require(redis.database >= 0 && (redis.user == nil || redis.password != nil), "a user has a password")
            if let password = redis.password?.revealed, password.utf8.firstRange(of: marker.utf8) != nil {
                var rest = redis
                rest.user = nil
                rest.endpoint.host = ""
                var dumped = ""
                dump(rest, to: &dumped)
                try require(dumped.utf8.firstRange(of: marker.utf8) == nil, "no dump shows a password")
            }
        }
        if let headers = configuration.tracing.exporter?.headers {
            var dumped = "\(headers)"
            dump(headers, to: &dumped)
            try require(dumped.utf8.firstRange(of: marker.utf8) == nil, "no dump shows header fields")
        }
    }
}
