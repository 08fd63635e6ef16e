/// Where a metric is shown, so that it can be removed.
struct SeriesPlace: Sendable, Hashable {
    let family: String
    let labelValues: [String]
}

/// A metric that knows its place in a registry.
protocol RegisteredMetric: AnyObject, Sendable {
    /// Nil for metrics that are shown nowhere and for those that several callers share because of a limit.
    var place: SeriesPlace? { get }
}
