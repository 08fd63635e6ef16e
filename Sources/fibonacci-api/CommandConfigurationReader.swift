import Configuration

/// Where settings come from: options of the command line first, then the environment.
enum CommandConfigurationReader {
    /// A reader over both.
    ///
    /// - Parameter overrides: values of options by the name of the variable that they stand for.
    static func make(overrides: [String: String] = [:]) -> ConfigReader {
        let values = Dictionary(
            uniqueKeysWithValues: overrides.map { name, value in
                let key = AbsoluteConfigKey(name.lowercased().split(separator: "_").map(String.init))
                return (key, ConfigValue(.string(value), isSecret: false))
            }
        )
        return ConfigReader(providers: [InMemoryProvider(values: values), EnvironmentVariablesProvider()])
    }
}
