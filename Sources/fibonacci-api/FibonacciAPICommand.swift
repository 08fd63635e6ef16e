import ArgumentParser
import DecimalArithmetic
import FibonacciAPI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `fibonacci-api`: the service and its tools.
@main
struct FibonacciAPICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fibonacci-api",
        abstract: "Answers \"what is F(n)?\" exactly.",
        discussion: "Settings come from the environment; README.md has the table.",
        version: "\(BuildInformation.name) \(BuildInformation.version) "
            + "(Swift \(BuildInformation.swiftVersion), kernel \(kernelName))",
        subcommands: [ServeCommand.self, ComputeCommand.self, HealthcheckCommand.self]
    )

    private static var kernelName: String {
        // Where the setting is malformed, the commands that use it say so.
        (try? ServiceConfiguration.kernel.value(from: CommandConfigurationReader.make()))?.name ?? "unknown"
    }

    static func main() async {
        // A reader that goes away shows as an error of write(2), not as the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            failure.report()
            _exit(failure.code)
        } catch {
            exit(withError: error)
        }
    }
}

/// Why a command failed, in one line for standard error.
struct CommandFailure: Error {
    /// The exit code: of sysexits.h where one fits.
    var code: Int32
    var message: String

    static func configuration(_ error: ConfigurationError) -> CommandFailure {
        CommandFailure(code: EX_CONFIG, message: "\(error)")
    }

    func report() {
        let line = "fibonacci-api: \(message)\n"
        _ = line.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
