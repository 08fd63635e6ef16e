import Logging
import PrometheusMetrics

@testable import FibonacciAPI

extension IntegrityReporter {
    /// Tells nobody.
    static var test: IntegrityReporter {
        IntegrityReporter(
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            registry: PrometheusRegistry()
        )
    }
}
