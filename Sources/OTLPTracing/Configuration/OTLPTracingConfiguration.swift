/// What a tracer is made from: OpenTelemetry's variables, read and checked.
package struct OTLPTracingConfiguration: Sendable {
    /// False if `OTEL_SDK_DISABLED`: no span has ids of its own; what came in is handed on.
    package var isEnabled: Bool
    /// Whether `traceparent` and `tracestate` are read and written.
    package var propagatesTraceContext: Bool
    /// Which spans are recorded.
    package var sampler: Sampler
    /// What the process is, as attributes: `service.name` and others, sorted by key.
    package var resource: [(key: String, value: String)]
    /// The most that one span holds.
    package var limits: SpanLimits
    /// How spans wait for their export.
    package var batching: BatchLimits
    /// Where spans go; nil: nowhere.
    package var exporter: OTLPExporterConfiguration?
}
