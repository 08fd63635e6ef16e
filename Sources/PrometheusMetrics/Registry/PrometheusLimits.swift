/// How much a registry keeps, however it is used.
package struct PrometheusLimits: Sendable, Hashable {
    /// The most families. Metrics of further ones work and are not shown.
    package var families: Int
    /// The most label sets of a family. Further ones share one series, whose label values are all `_overflow`.
    package var seriesPerFamily: Int
    /// The most labels of a series. What has more works and is not shown.
    package var labels: Int
    /// The most bytes of a label's value, which is cut at a character's end.
    package var labelValueBytes: Int
    /// The most buckets of a histogram; further bounds are left out.
    package var buckets: Int
    /// Into how many parts counters and histograms are split so that threads need not wait: rounded up to a power of two, at most 64. A part
    /// takes 150 bytes of memory, that of a histogram 300 and 8 for each bucket.
    package var shards: Int

    /// Limits for a service of any size.
    package init(
        families: Int = 500,
        seriesPerFamily: Int = 1000,
        labels: Int = 32,
        labelValueBytes: Int = 1024,
        buckets: Int = 128,
        shards: Int = PrometheusLimits.defaultShards
    ) {
        self.families = max(0, families)
        self.seriesPerFamily = max(1, seriesPerFamily)
        self.labels = max(0, labels)
        self.labelValueBytes = max(0, labelValueBytes)
        self.buckets = max(0, buckets)
        self.shards = max(1, shards)
    }

    /// Two for each processor, at least 4 and at most 16.
    package static let defaultShards = max(4, min(2 * SystemFacts.processors, 16))
}
