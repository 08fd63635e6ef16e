/// Why a span that had been recorded was not exported.
package enum SpanDropReason: String, Sendable, Hashable, CaseIterable {
    /// The queue was full: spans end faster than they leave.
    case queueFull = "queue_full"
    /// The collector answered that it will not take the batch, or that it is too much.
    case refused
    /// The collector took the batch but not this span.
    case rejected
    /// The collector could not be reached, or was overloaded, in as many attempts as there are.
    case unavailable
    /// Exporting the batch took longer than `OTEL_BSP_EXPORT_TIMEOUT`.
    case timedOut = "timed_out"
    /// The process stopped before the span was exported.
    case shutdown
}

/// What became of the spans since the start.
package struct OTLPTracingStatistics: Sendable, Hashable {
    /// Spans that the collector took.
    package var exported = 0
    /// Spans that were lost; a reason that has not occurred is there with 0.
    package var dropped: [SpanDropReason: Int]
    /// Spans that wait now.
    package var queueLength = 0
    /// The most spans that may wait.
    package let queueCapacity: Int

    init(queueCapacity: Int) {
        self.queueCapacity = queueCapacity
        dropped = Dictionary(uniqueKeysWithValues: SpanDropReason.allCases.map { ($0, 0) })
    }
}
