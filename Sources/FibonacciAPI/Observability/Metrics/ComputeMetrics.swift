import PrometheusMetrics

/// What the threads for heavy computations do.
enum ComputeMetrics {
    /// How long each computation takes.
    static func durations(in registry: PrometheusRegistry) -> PrometheusHistogram {
        registry.histogram(
            "fib_compute_duration_seconds",
            help: "Time of a computation on the compute threads, without its waiting.",
            unit: "seconds"
        )
    }

    /// Has the pool's state read whenever somebody scrapes.
    static func observe(_ pool: ComputePool, in registry: PrometheusRegistry) {
        registry.gauge("fib_compute_queue_cost", help: "Tokens' worth of computations that wait.") {
            Double(pool.queuedCost)
        }
        registry.gauge("fib_compute_queue_capacity", help: "Tokens' worth of computations that may wait.") {
            Double(pool.maximumQueueCost)
        }
        registry.gauge("fib_compute_threads", help: "Threads for heavy computations.") { Double(pool.threadCount) }
        registry.gauge("fib_compute_active", help: "Threads that compute.") { Double(pool.activeThreads) }
    }
}
