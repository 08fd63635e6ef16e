internal import Logging
internal import SwiftProtobuf
internal import Synchronization

/// Sends batches to a collector, again where that may help.
final class OTLPExporter: SpanExporter {
    struct Settings: Sendable {
        var resource: [(key: String, value: String)]
        var isCompressed: Bool
        /// For all attempts on a batch together.
        var totalTimeout: Duration
        var retries = RetryPolicy()
    }

    private let settings: Settings
    private let resource: MessageResource
    private let transport: any ExportTransport
    private let time: TimeSource
    private let logger: Logger
    /// One batch is exported at a time; this makes it no matter.
    private let health = Mutex(ExportHealth())

    init(settings: Settings, transport: any ExportTransport, time: TimeSource, logger: Logger) {
        self.settings = settings
        resource = MessageResource(settings.resource)
        self.transport = transport
        self.time = time
        self.logger = logger
    }

    func export(_ batch: [SpanRecord]) async -> ExportResult {
        guard let (body, encoding) = body(of: batch) else {
            return finish(batch, lost: batch.count, .refused, "the batch cannot be encoded")
        }
        let start = time.uptime()
        var attempt = 0
        while true {
            attempt += 1
            let problem: String
            var requested: Duration?
            do {
                let response = try await transport.send(body, encoding: encoding)
                problem = "status \(response.status)"
                switch ExportVerdict(response, now: Int(time.wallClock() / 1_000_000_000)) {
                case .accepted(let rejectedCount, let message):
                    return finish(batch, lost: min(rejectedCount, batch.count), .rejected, "rejected: \(message)")
                case .refused:
                    return finish(batch, lost: batch.count, .refused, problem)
                case .retryable(let delay):
                    requested = delay
                }
            } catch {
                problem = String(String(describing: error).prefix(200))
            }
            // Boxed: an empty value has no address, and Thread Sanitizer looks at the one that `&` gives.
            var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
            let wait = settings.retries.wait(
                afterAttempt: attempt,
                requested: requested,
                remaining: settings.totalTimeout - (time.uptime() - start),
                using: &generator
            )
            guard let wait, !Task.isCancelled else {
                return finish(batch, lost: batch.count, Task.isCancelled ? .shutdown : .unavailable, problem)
            }
            logger.debug("spans are sent again", metadata: ["problem": "\(problem)", "attempt": "\(attempt)"])
            // A wait that is cancelled is followed by an attempt that fails at once.
            try? await time.sleep(wait)
        }
    }

    func shutdown() async {
        await transport.shutdown()
    }

    private func body(of batch: [SpanRecord]) -> (bytes: [UInt8], encoding: String?)? {
        let message = MessageExportTraceServiceRequest(batch, resource: resource)
        guard let bytes: [UInt8] = try? message.serializedBytes() else { return nil }
        if settings.isCompressed, let compressed = Gzip.compress(bytes) { return (compressed, "gzip") }
        return (bytes, nil)
    }

    private func finish(
        _ batch: [SpanRecord],
        lost: Int,
        _ reason: SpanDropReason,
        _ problem: String
    ) -> ExportResult {
        switch health.withLock({ $0.note(droppedCount: lost) }) {
        case .begins:
            logger.warning(
                "spans are not exported and lost",
                metadata: ["reason": "\(reason.rawValue)", "problem": "\(problem)", "spans": "\(lost)"]
            )
        case .ends(let droppedCount):
            logger.notice("spans are exported again", metadata: ["lost": "\(droppedCount)"])
        case nil:
            break
        }
        return ExportResult(exported: batch.count - lost, dropped: lost > 0 ? [reason: lost] : [:])
    }
}
