import JSONLogging
import OTLPTracing
import PrometheusMetrics

/// Facts about the process and the service as a whole.
enum ServiceMetrics {
    /// Has them read whenever somebody scrapes.
    static func observe(
        state: ServiceState,
        logWriter: BufferedLineWriter,
        kernel: String,
        tracer: OTLPTracer,
        in registry: PrometheusRegistry
    ) {
        registry.register(ProcessCollector())
        registry.gauge(
            "fib_build_info",
            help: "What this build is; always 1.",
            labels: [
                ("version", BuildInformation.version), ("commit", BuildInformation.commit ?? ""),
                ("swift", BuildInformation.swiftVersion), ("kernel", kernel),
            ]
        ).set(1)
        registry.gauge("fib_ready", help: "Whether the service is ready: 0 while it starts or drains.") {
            state.phase == .ready ? 1 : 0
        }
        registry.counter("fib_log_lines_dropped_total", help: "Log lines that nobody took in time.") {
            Double(logWriter.droppedLines)
        }
        if tracer.exports { observe(tracer, in: registry) }
    }

    private static func observe(_ tracer: OTLPTracer, in registry: PrometheusRegistry) {
        registry.counter("fib_spans_exported_total", help: "Spans that a collector has taken.") {
            Double(tracer.statistics?.exported ?? 0)
        }
        registry.counter("fib_spans_dropped_total", help: "Spans that were lost, by why.", labelNames: ["reason"]) {
            (tracer.statistics?.dropped ?? [:]).map { PrometheusSample([$0.rawValue], value: Double($1)) }
        }
        registry.gauge("fib_span_queue_length", help: "Spans that wait to be exported.") {
            Double(tracer.statistics?.queueLength ?? 0)
        }
    }
}
