/// How spans wait for their export: the `OTEL_BSP_*` variables.
package struct BatchLimits: Sendable, Hashable {
    /// How long a span waits at most for others to leave with it.
    package var scheduleDelay: Duration = .seconds(5)
    /// How long exporting one batch may take, attempts and waits between them included.
    package var exportTimeout: Duration = .seconds(30)
    /// The most spans that wait.
    package var queueSize = 2048
    /// The most spans that leave together; a batch that is full does not wait.
    package var batchSize = 512

    /// OpenTelemetry's defaults.
    package init() {}
}
