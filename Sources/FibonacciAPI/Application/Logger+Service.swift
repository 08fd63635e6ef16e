import JSONLogging
import Logging

extension Logger {
    /// The service's own.
    init(_ configuration: ServiceConfiguration, writer: BufferedLineWriter) {
        self.init(label: BuildInformation.name) { label in
            LineLogHandler(label: label, format: configuration.logFormat, writer: writer)
        }
        logLevel = configuration.logLevel
    }

    /// The same logger for libraries: they tell of routine, and of errors that they throw as well. Debugging shows it all.
    var forLibraries: Logger {
        var logger = self
        if logger.logLevel > .debug { logger.logLevel = .critical }
        return logger
    }
}
