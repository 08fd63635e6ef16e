import ArgumentParser
import Configuration
import FibonacciAPI
import JSONLogging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `fibonacci-api serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve HTTP until SIGTERM or SIGINT.",
        discussion: """
            Every setting is an environment variable; an option here wins over its variable.

            \(ServiceConfiguration.settings.map { "\($0.name) (default \($0.defaultText)): \($0.summary)" }.joined(separator: "\n"))
            """
    )

    @Option(help: "Address to listen on (HOST).")
    var host: String?

    @Option(help: "Public port (PORT).")
    var port: String?

    @Option(help: "Port for probes and operators (ADMIN_PORT).")
    var adminPort: String?

    @Option(help: "Largest n that is answered (FIB_MAX_N).")
    var fibMaxN: String?

    @Option(help: "Least severe level that is logged (LOG_LEVEL).")
    var logLevel: String?

    @Option(help: "json or text (LOG_FORMAT).")
    var logFormat: String?

    func run() async throws {
        let configuration: ServiceConfiguration
        do {
            configuration = try ServiceConfiguration(reader: CommandConfigurationReader.make(overrides: overrides))
        } catch let error as ConfigurationError {
            throw CommandFailure.configuration(error)
        }
        do {
            let writer = try BufferedLineWriter(
                descriptor: STDOUT_FILENO,
                dropReport: configuration.logFormat.dropReport(logger: "fibonacci-api")
            )
            try await buildApplication(configuration: configuration, logWriter: writer).run()
        } catch let error as ConfigurationError {
            throw CommandFailure.configuration(error)
        } catch {
            throw CommandFailure(code: EXIT_FAILURE, message: "\(error)")
        }
    }

    private var overrides: [String: String] {
        let options = [
            "HOST": host, "PORT": port, "ADMIN_PORT": adminPort, "FIB_MAX_N": fibMaxN,
            "LOG_LEVEL": logLevel, "LOG_FORMAT": logFormat,
        ]
        return options.compactMapValues { $0 }
    }
}
