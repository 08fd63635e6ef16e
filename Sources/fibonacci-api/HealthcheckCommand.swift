import ArgumentParser
import FibonacciAPI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `fibonacci-api healthcheck`: for images without a shell.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask the service on this host whether it is ready; exit 0 if it is, else 1.",
        discussion: """
            Asks /readyz at HOST and ADMIN_PORT of the environment, which must be those of the service, for two seconds at most. \
            A malformed setting exits with 78.
            """
    )

    func run() async throws {
        do {
            let configuration = try ServiceConfiguration(reader: CommandConfigurationReader.make())
            try await ReadinessProbe(host: configuration.host, port: configuration.adminPort).check()
        } catch let error as ConfigurationError {
            throw CommandFailure.configuration(error)
        } catch let error as ReadinessProbe.NotReady {
            throw CommandFailure(code: EXIT_FAILURE, message: "\(error)")
        }
    }
}
