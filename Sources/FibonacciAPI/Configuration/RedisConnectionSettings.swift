import Configuration
import RedisClient

/// The settings that hold for every Redis.
package enum RedisConnectionSettings {
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

    static let files = [authorityFile, certificateFile, keyFile]

    static var descriptions: [SettingDescription] {
        files.map(\.description) + [timeout.description, connectTimeout.description]
    }

    /// The client's deadlines.
    static func timeouts(from reader: ConfigReader) throws -> RedisTimeouts {
        var timeouts = RedisTimeouts()
        timeouts.command = .milliseconds(try timeout.value(from: reader))
        timeouts.connect = .milliseconds(try connectTimeout.value(from: reader))
        return timeouts
    }

    /// Gives the files to a connection that uses TLS.
    static func secure(_ configuration: inout RedisConfiguration, from reader: ConfigReader) throws {
        configuration.tls?.authorityFile = try authorityFile.value(from: reader)
        configuration.tls?.certificateFile = try certificateFile.value(from: reader)
        configuration.tls?.keyFile = try keyFile.value(from: reader)
    }

    /// Refuses files that no connection would use, and malformed settings that none has read.
    static func validate(for configurations: [RedisConfiguration?], from reader: ConfigReader) throws {
        _ = try timeouts(from: reader)
        guard configurations.allSatisfy({ $0?.tls == nil }) else { return }
        let isPlain = configurations.contains { $0 != nil }
        for file in files {
            guard let path = try file.value(from: reader) else { continue }
            let expectation =
                isPlain
                ? "\(RedisSettings.cache.url.name) to begin with rediss://, without which there is no TLS"
                : "\(RedisSettings.cache.url.name) to be set, too"
            throw ConfigurationError(variable: file.name, value: path, expectation: expectation)
        }
    }
}
