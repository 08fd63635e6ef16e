@testable import PrometheusMetrics

extension PrometheusRegistry {
    /// The exposition as text, without what the registry says about itself.
    func shown(_ format: ExpositionFormat = .text) -> String {
        whole(format)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains("prometheus_metrics_") }
            .joined(separator: "\n")
    }

    /// The exposition as text.
    func whole(_ format: ExpositionFormat = .text) -> String {
        String(decoding: exposition(format), as: UTF8.self)
    }

    /// The value of one sample, as it is written; nil when it is not there.
    func sample(_ name: String, _ format: ExpositionFormat = .text) -> Substring? {
        whole(format).split(separator: "\n").first { $0.hasPrefix(name + " ") }?.dropFirst(name.count + 1)
    }

    /// How often a reason for a conflict has been counted.
    func conflicts(_ reason: String) -> Substring? {
        sample("prometheus_metrics_conflicts_total{reason=\"\(reason)\"}")
    }

    /// How often a limit has turned somebody away.
    func overflows(_ limit: String) -> Substring? {
        sample("prometheus_metrics_overflow_total{limit=\"\(limit)\"}")
    }
}
