import JSONLogging
import PrometheusMetrics

/// Facts about the process and the service as a whole.
enum ServiceMetrics {
    /// Has them read whenever somebody scrapes.
    static func observe(
        state: ServiceState,
        logWriter: BufferedLineWriter,
        kernel: String,
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
    }
}
