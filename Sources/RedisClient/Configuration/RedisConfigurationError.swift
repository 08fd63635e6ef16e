/// A setting with which no client can be made.
///
/// Neither the description nor any other part of it holds a password or a whole URL.
package struct RedisConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which setting it is.
    package enum Setting: String, Sendable, Hashable {
        /// The URL.
        case url = "Redis URL"
        /// The file with the password.
        case passwordFile = "Redis password file"
        /// The files for TLS.
        case tls = "Redis TLS files"
        /// A number outside its range.
        case number = "Redis client setting"
    }

    /// Which setting it is.
    package var setting: Setting
    /// What is wrong with it and what to do.
    package var problem: String

    /// An error of this setting.
    package init(_ setting: Setting, _ problem: String) {
        self.setting = setting
        self.problem = problem
    }

    /// A sentence for the one who set it.
    package var description: String { "\(setting.rawValue): \(problem)" }
}
