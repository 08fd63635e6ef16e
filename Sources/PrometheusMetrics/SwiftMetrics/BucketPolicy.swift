/// What buckets timers and recorders of swift-metrics get.
package struct BucketPolicy: Sendable {
    /// What asks for buckets.
    package enum Kind: Sendable {
        /// `Timer`: seconds.
        case timer
        /// `Recorder`: anything.
        case recorder
    }

    /// For timers, in seconds, unless something else is said.
    package var timers: PrometheusBuckets
    /// For recorders, unless something else is said.
    package var recorders: PrometheusBuckets
    private let overrides: [String: PrometheusBuckets]

    /// A policy.
    ///
    /// - Parameter overrides: buckets by label of swift-metrics, or by name as Prometheus sees it. Differences that Prometheus does not see
    ///   do not count: `http.request.duration` and `http_request_duration_seconds` are the same timer.
    package init(
        timers: PrometheusBuckets = .durations,
        recorders: PrometheusBuckets = .values,
        overrides: [String: PrometheusBuckets] = [:]
    ) {
        self.timers = timers
        self.recorders = recorders
        // Sorted, so that it is not chance which of two names for the same metric wins.
        self.overrides = Dictionary(
            overrides.sorted { $0.key < $1.key }.map { (MetricNames.metric($0.key), $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The buckets for a label of swift-metrics.
    package func buckets(for label: String, kind: Kind) -> PrometheusBuckets {
        let name = MetricNames.metric(label)
        switch kind {
        case .recorder:
            return overrides[name] ?? recorders
        case .timer:
            let suffix = "_seconds"
            let other = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name + suffix
            return overrides[name] ?? overrides[other] ?? timers
        }
    }
}
