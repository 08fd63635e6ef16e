/// Facts about this process, under the names that all Prometheus clients use, and `process_threads`.
///
/// On Linux each scrape costs a few system calls, about ten microseconds, and, before Linux 6.2, one look at each open descriptor. Elsewhere
/// only processor time and the limit of descriptors are shown. What the system does not tell is left out.
///
/// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
package struct ProcessCollector: PrometheusCollector {
    private let startTime: Double?

    /// A collector.
    package init() {
        startTime = Self.readStartTime()
    }

    /// The families.
    package var families: [FamilyDescription] {
        [
            FamilyDescription(
                .counter,
                "process_cpu_seconds_total",
                help: "Total user and system CPU time spent in seconds.",
                unit: "seconds"
            ),
            FamilyDescription(
                .gauge,
                "process_resident_memory_bytes",
                help: "Resident memory size in bytes.",
                unit: "bytes"
            ),
            FamilyDescription(
                .gauge,
                "process_virtual_memory_bytes",
                help: "Virtual memory size in bytes.",
                unit: "bytes"
            ),
            FamilyDescription(.gauge, "process_open_fds", help: "Number of open file descriptors."),
            FamilyDescription(.gauge, "process_max_fds", help: "Maximum number of open file descriptors."),
            FamilyDescription(
                .gauge,
                "process_start_time_seconds",
                help: "Start time of the process since the Unix epoch in seconds.",
                unit: "seconds"
            ),
            FamilyDescription(.gauge, "process_threads", help: "Number of threads of the process."),
        ]
    }

    /// What the system says now.
    package func collect() -> [[PrometheusSample]] {
        let status = Self.readStatus()
        return [
            SystemCalls.processorTime(),
            status.map { Double($0.residentPages) * Double(SystemFacts.pageSize) },
            status.map { Double($0.virtualBytes) },
            Self.openDescriptors(),
            SystemCalls.descriptorLimit(),
            startTime,
            status.map { Double($0.threads) },
        ].map { value in value.map { [PrometheusSample(value: $0)] } ?? [] }
    }

    private static func readStatus() -> ProcessStatus? {
        #if os(Linux)
            SystemCalls.contents(of: "/proc/self/stat", limit: 4096).flatMap(ProcessStatus.init)
        #else
            nil
        #endif
    }

    private static func openDescriptors() -> Double? {
        #if os(Linux)
            SystemCalls.openDescriptors()
        #else
            nil
        #endif
    }

    /// Never changes, so it is read once: `/proc/stat` is long on large machines.
    private static func readStartTime() -> Double? {
        #if os(Linux)
            guard let status = readStatus(),
                let boot = SystemCalls.contents(of: "/proc/stat", limit: 1 << 20).flatMap(ProcessStatus.bootTime)
            else { return nil }
            return Double(boot) + Double(status.startTicks) / Double(SystemFacts.clockTicks)
        #else
            return nil
        #endif
    }
}
