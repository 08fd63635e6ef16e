import Logging
import PrometheusMetrics

/// Tells of numbers that failed their check, which are never served: in the log and as a counter.
struct IntegrityReporter: Sendable {
    /// Where a number came from.
    enum Origin: String, Sendable {
        case compute
        case redis
    }

    private let logger: Logger
    private let compute: PrometheusCounter
    private let redis: PrometheusCounter

    init(logger: Logger, registry: PrometheusRegistry) {
        self.logger = logger
        let failures = registry.counter(
            "fib_integrity_failures_total",
            help: "Numbers that failed their check and were not served.",
            labelNames: ["where"]
        )
        compute = failures.with(Origin.compute.rawValue)
        redis = failures.with(Origin.redis.rawValue)
    }

    func report(_ reason: String, at index: Int, from origin: Origin) {
        (origin == .compute ? compute : redis).increment()
        logger.error(
            "integrity failure",
            metadata: ["where": "\(origin.rawValue)", "n": .stringConvertible(index), "error": "\(reason)"]
        )
    }
}
