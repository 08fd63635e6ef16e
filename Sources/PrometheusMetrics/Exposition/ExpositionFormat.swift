/// A text that Prometheus reads.
package enum ExpositionFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus' text format, version 0.0.4.
    ///
    /// https://prometheus.io/docs/instrumenting/exposition_formats/
    case text
    /// OpenMetrics, version 1.0.0: with units and exemplars.
    ///
    /// https://prometheus.io/docs/specs/om/open_metrics_spec/
    case openMetrics

    /// The value of `Content-Type`.
    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format that the client likes best.
    ///
    /// Where it likes both as much, what it has named more exactly, and then the text format. That is also the answer to no field, and to
    /// one that accepts neither: a person with a browser should see something. Ranges with another version of a format do not count.
    ///
    /// - Parameter accept: the lines of `Accept` (RFC 9110, section 12.5.1). Linear in their length.
    package static func negotiate(accept: [String]) -> Self {
        let ranges = accept.flatMap(MediaRange.list)
        guard let openMetrics = preference(for: .openMetrics, in: ranges), openMetrics.weight > 0 else { return .text }
        guard let text = preference(for: .text, in: ranges) else { return .openMetrics }
        return (openMetrics.weight, openMetrics.precision) > (text.weight, text.precision) ? .openMetrics : .text
    }

    /// What the most exact range that holds a format says about it.
    private static func preference(for format: Self, in ranges: [MediaRange]) -> (weight: Int, precision: Int)? {
        var best: (weight: Int, precision: Int)?
        for range in ranges {
            guard let precision = range.precision(for: format) else { continue }
            if (precision, range.weight) > (best?.precision ?? -1, best?.weight ?? 0) {
                best = (range.weight, precision)
            }
        }
        return best
    }
}
