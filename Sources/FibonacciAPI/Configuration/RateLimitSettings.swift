import Configuration
package import RateLimiting
package import RedisClient

/// How much clients may spend, and where that is counted.
package struct RateLimitConfiguration: Sendable {
    /// Budget and window.
    package var policy: TokenBucketPolicy
    /// The Redis that processes count in; nil: each counts for itself.
    package var redis: RedisConfiguration?
    /// Whether that is the one that values are cached in.
    package var isSharingCache: Bool
}

/// The settings of the limiter.
package enum RateLimitSettings {
    /// `RATE_LIMIT_BUDGET`.
    package static let budget = Setting.integer(
        "RATE_LIMIT_BUDGET",
        default: 1000,
        in: 0...TokenBucketPolicy.budgets.upperBound,
        "tokens that a client may spend at once, 0 does not limit"
    )

    /// `RATE_LIMIT_WINDOW_SECONDS`.
    package static let window = Setting.integer(
        "RATE_LIMIT_WINDOW_SECONDS",
        default: 60,
        in: TokenBucketPolicy.windows,
        "time in which a spent budget comes back, evenly"
    )

    /// `TRUSTED_PROXIES`.
    package static let trustedProxies = Setting<String>(
        "TRUSTED_PROXIES",
        default: "",
        shownAs: "none",
        expecting: "networks such as 10.0.0.0/8, 2001:db8::/32, with commas between them",
        "whose X-Forwarded-For is believed"
    ) { $0 }

    static var descriptions: [SettingDescription] {
        [budget.description, window.description, trustedProxies.description] + RedisSettings.rateLimit.descriptions
    }

    /// The policy; nil if nothing is to be limited.
    ///
    /// - Throws: ``ConfigurationError`` for the first malformed setting.
    static func policy(from reader: ConfigReader) throws -> TokenBucketPolicy? {
        let tokens = try budget.value(from: reader)
        let seconds = try window.value(from: reader)
        return tokens == 0 ? nil : try TokenBucketPolicy(budget: tokens, window: seconds)
    }

    /// The proxies.
    ///
    /// - Throws: ``ConfigurationError`` with what is wrong about the first wrong network.
    static func proxies(from reader: ConfigReader) throws -> TrustedProxies {
        let text = try trustedProxies.value(from: reader)
        do throws(TrustedProxiesError) {
            return try TrustedProxies(text)
        } catch {
            throw ConfigurationError(
                variable: trustedProxies.name,
                value: text,
                expectation: "\(trustedProxies.expectation): \(error.problem)"
            )
        }
    }
}
