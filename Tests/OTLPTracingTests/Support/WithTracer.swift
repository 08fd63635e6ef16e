import Logging
import ServiceLifecycle
import Tracing

@testable import OTLPTracing

/// Runs a tracer in a service group while `body` runs, then shuts it down gracefully.
func whileRunning(_ tracer: OTLPTracer, _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(services: [tracer], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await group.run() }
    do {
        try await body()
    } catch {
        running.cancel()
        throw error
    }
    await group.triggerGracefulShutdown()
    try await running.value
}

extension OTLPTracer {
    /// A tracer whose spans go to a stub.
    static func test(
        _ exporter: any SpanExporter,
        time: ManualTime = ManualTime(),
        batching: BatchLimits = BatchLimits(),
        behaviour: Behaviour = Behaviour()
    ) -> OTLPTracer {
        OTLPTracer(
            behaviour: behaviour,
            processor: BatchSpanProcessor(
                limits: batching,
                exporter: exporter,
                time: time.source,
                shutdownTimeout: .seconds(7)
            ),
            time: time.source
        )
    }

    /// Starts and ends spans with these names.
    func record(_ names: some Sequence<String>) {
        for name in names {
            startSpan(name, parent: nil, ofKind: .internal).end()
        }
    }
}

/// Keeps the records of the spans that end.
struct RecordKeeper: SpanExporter {
    let records: AsyncStream<SpanRecord>
    private let continuation: AsyncStream<SpanRecord>.Continuation

    init() {
        (records, continuation) = AsyncStream.makeStream()
    }

    func export(_ batch: [SpanRecord]) async -> ExportResult {
        for record in batch { continuation.yield(record) }
        return ExportResult(exported: batch.count)
    }

    func shutdown() async {
        continuation.finish()
    }
}

/// The records of the spans that `body` starts and ends, in the order of their ends.
func recorded(
    limits: SpanLimits = SpanLimits(),
    time: ManualTime = ManualTime(),
    _ body: (OTLPTracer) async throws -> Void
) async throws -> [SpanRecord] {
    let keeper = RecordKeeper()
    let tracer = OTLPTracer.test(keeper, time: time, behaviour: OTLPTracer.Behaviour(limits: limits))
    try await whileRunning(tracer) { try await body(tracer) }
    var records: [SpanRecord] = []
    for await record in keeper.records { records.append(record) }
    return records
}
