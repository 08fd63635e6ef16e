internal import Synchronization

/// Holds ended spans until they are exported, a batch at a time; never waits where a span ends.
final class BatchSpanProcessor: Sendable {
    struct State: ~Copyable {
        enum Phase { case idle, running, stopped }

        var queue: SpanQueue
        var phase = Phase.idle
        var statistics: OTLPTracingStatistics
        /// Spans that came in and have been exported or lost.
        var settledCount = 0
        var flushes: [Int: Flush] = [:]
        var nextFlush = 0
    }

    /// Somebody waits until this many spans are settled.
    struct Flush {
        let target: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    let limits: BatchLimits
    let exporter: any SpanExporter
    let time: TimeSource
    /// How long the last export may take, at shutdown.
    let shutdownTimeout: Duration
    /// Spans end on any thread, and the lock is held for a few instructions.
    let state: Mutex<State>
    let wakeups: AsyncStream<Void>
    let wake: AsyncStream<Void>.Continuation

    init(limits: BatchLimits, exporter: any SpanExporter, time: TimeSource, shutdownTimeout: Duration) {
        self.limits = limits
        self.exporter = exporter
        self.time = time
        self.shutdownTimeout = shutdownTimeout
        state = Mutex(
            State(
                queue: SpanQueue(limits: limits),
                statistics: OTLPTracingStatistics(queueCapacity: limits.queueSize)
            )
        )
        (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Queues an ended span, or drops and counts it. O(1).
    func enqueue(_ span: SpanRecorder) {
        let admission = state.withLock { state in
            guard state.phase != .stopped else {
                state.statistics.dropped[.shutdown, default: 0] += 1
                return SpanQueue.Admission.noRoom
            }
            let admission = state.queue.append(span)
            if admission == .noRoom { state.statistics.dropped[.queueFull, default: 0] += 1 }
            return admission
        }
        if admission == .batchIsFull { wake.yield() }
    }

    /// What became of the spans.
    var statistics: OTLPTracingStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.queueLength = state.queue.count
            return statistics
        }
    }
}
