import Configuration
import RedisClient

/// The settings that lead to Redis; together they make a client's configuration, or none.
package enum RedisSettings {
    /// `REDIS_URL`. Its value may hold a password, so no message shows it.
    package static let url = Setting<String?>(
        "REDIS_URL",
        default: nil,
        shownAs: "unset",
        expecting: "redis://user:password@host:port/database, or rediss:// for TLS",
        "the cache that processes share; unset: memory only",
        isSecret: true
    ) { $0 }

    /// `REDIS_CLUSTER`.
    package static let cluster = Setting<Bool>.boolean(
        "REDIS_CLUSTER",
        default: false,
        "the URL names a node of a cluster"
    )

    /// `REDIS_PASSWORD_FILE`.
    package static let passwordFile = Setting<String?>.path(
        "REDIS_PASSWORD_FILE",
        "file with the password, in the place of one in the URL"
    )

    /// `REDIS_CA_FILE`.
    package static let authorityFile = Setting<String?>.path(
        "REDIS_CA_FILE",
        "PEM file of the authorities to trust, in the place of the system's"
    )

    /// `REDIS_CLIENT_CERTIFICATE_FILE`.
    package static let certificateFile = Setting<String?>.path(
        "REDIS_CLIENT_CERTIFICATE_FILE",
        "PEM file of the certificate to show"
    )

    /// `REDIS_CLIENT_KEY_FILE`.
    package static let keyFile = Setting<String?>.path("REDIS_CLIENT_KEY_FILE", "PEM file of that certificate's key")

    /// `REDIS_TIMEOUT_MILLISECONDS`.
    package static let timeout = Setting.integer(
        "REDIS_TIMEOUT_MILLISECONDS",
        default: 25,
        in: 1...10_000,
        "the most that Redis may add to a request"
    )

    /// `REDIS_CONNECT_TIMEOUT_MILLISECONDS`.
    package static let connectTimeout = Setting.integer(
        "REDIS_CONNECT_TIMEOUT_MILLISECONDS",
        default: 1000,
        in: 10...10_000,
        "for connecting; no request waits for it"
    )

    static var descriptions: [SettingDescription] {
        [
            url.description, cluster.description, passwordFile.description, authorityFile.description,
            certificateFile.description, keyFile.description, timeout.description, connectTimeout.description,
        ]
    }

    /// How to reach Redis, or nil if no URL is set.
    ///
    /// - Throws: ``ConfigurationError`` for the first malformed setting, one that makes no sense without another, or a file that cannot
    ///   be read. None shows a password.
    static func configuration(from reader: ConfigReader) throws -> RedisConfiguration? {
        let files = [passwordFile, authorityFile, certificateFile, keyFile]
        let cluster = try cluster.value(from: reader)
        var timeouts = RedisTimeouts()
        timeouts.command = .milliseconds(try timeout.value(from: reader))
        timeouts.connect = .milliseconds(try connectTimeout.value(from: reader))
        guard let text = try url.value(from: reader) else {
            for file in files {
                if let path = try file.value(from: reader) {
                    throw ConfigurationError(variable: file.name, value: path, expectation: "REDIS_URL to be set, too")
                }
            }
            guard !cluster else {
                throw ConfigurationError(
                    variable: Self.cluster.name,
                    value: "true",
                    expectation: "REDIS_URL to be set, too"
                )
            }
            return nil
        }
        do {
            var configuration = try RedisConfiguration(url: text)
            configuration.isCluster = cluster
            configuration.timeouts = timeouts
            try secure(&configuration, from: reader)
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
    static func configurationError(_ error: RedisConfigurationError) -> ConfigurationError {
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
                variable: "\(authorityFile.name), \(certificateFile.name) or \(keyFile.name)",
                value: nil,
                expectation: "PEM files that belong together: \(error.problem)"
            )
        }
    }

    private static func secure(_ configuration: inout RedisConfiguration, from reader: ConfigReader) throws {
        for file in [authorityFile, certificateFile, keyFile] {
            guard let path = try file.value(from: reader) else { continue }
            guard configuration.tls != nil else {
                throw ConfigurationError(
                    variable: file.name,
                    value: path,
                    expectation: "REDIS_URL to begin with rediss://, without which there is no TLS"
                )
            }
        }
        configuration.tls?.authorityFile = try authorityFile.value(from: reader)
        configuration.tls?.certificateFile = try certificateFile.value(from: reader)
        configuration.tls?.keyFile = try keyFile.value(from: reader)
    }
}
