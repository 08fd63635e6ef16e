import Configuration
import RedisClient

/// The settings that lead to one Redis; together they make a client's configuration, or none.
package struct RedisSettings: Sendable {
    /// The Redis that values are cached in.
    package static let cache = RedisSettings(
        prefix: "REDIS",
        summary: "the cache that processes share; unset: memory only"
    )

    /// The Redis that budgets are counted in, where it is another.
    package static let rateLimit = RedisSettings(
        prefix: "RATE_LIMIT_REDIS",
        summary: "where processes count budgets; unset: as REDIS_URL"
    )

    /// `…_URL`. Its value may hold a password, so no message shows it.
    package let url: Setting<String?>
    /// `…_CLUSTER`.
    package let cluster: Setting<Bool>
    /// `…_PASSWORD_FILE`.
    package let passwordFile: Setting<String?>

    private init(prefix: String, summary: String) {
        url = Setting<String?>(
            "\(prefix)_URL",
            default: nil,
            shownAs: "unset",
            expecting: "redis://user:password@host:port/database, or rediss:// for TLS",
            summary,
            isSecret: true
        ) { $0 }
        cluster = Setting<Bool>.boolean("\(prefix)_CLUSTER", default: false, "that URL names a node of a cluster")
        passwordFile = Setting<String?>.path(
            "\(prefix)_PASSWORD_FILE",
            "file with the password, in the place of one in that URL"
        )
    }

    var descriptions: [SettingDescription] { [url.description, cluster.description, passwordFile.description] }

    /// How to reach this Redis, or nil if no URL is set.
    ///
    /// - Throws: ``ConfigurationError`` for the first malformed setting, one that makes no sense without another, or a file that cannot
    ///   be read. None shows a password.
    func configuration(from reader: ConfigReader) throws -> RedisConfiguration? {
        let isCluster = try cluster.value(from: reader)
        guard let text = try url.value(from: reader) else {
            if let path = try passwordFile.value(from: reader) { throw withoutURL(passwordFile.name, path) }
            if isCluster { throw withoutURL(cluster.name, "true") }
            return nil
        }
        do {
            var configuration = try RedisConfiguration(url: text)
            configuration.isCluster = isCluster
            configuration.timeouts = try RedisConnectionSettings.timeouts(from: reader)
            try RedisConnectionSettings.secure(&configuration, from: reader)
            if let path = try passwordFile.value(from: reader) {
                try configuration.readPassword(fromFile: path)
            }
            try configuration.validate()
            return configuration
        } catch let error as RedisConfigurationError {
            throw configurationError(error)
        }
    }

    /// What the client says of its configuration, in terms of the settings.
    func configurationError(_ error: RedisConfigurationError) -> ConfigurationError {
        switch error.setting {
        case .url, .number:
            ConfigurationError(variable: url.name, value: nil, expectation: "\(url.expectation): \(error.problem)")
        case .passwordFile:
            ConfigurationError(
                variable: passwordFile.name,
                value: nil,
                expectation: "a password in it: \(error.problem)"
            )
        case .tls:
            ConfigurationError(
                variable: RedisConnectionSettings.files.map(\.name).joined(separator: ", "),
                value: nil,
                expectation: "PEM files that belong together: \(error.problem)"
            )
        }
    }

    private func withoutURL(_ variable: String, _ value: String) -> ConfigurationError {
        ConfigurationError(variable: variable, value: value, expectation: "\(url.name) to be set, too")
    }
}
