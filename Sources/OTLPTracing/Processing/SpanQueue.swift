/// Ended spans in the order of their end, bounded, with the rules by which they leave in batches.
struct SpanQueue: ~Copyable {
    private let limits: BatchLimits
    private var spans: [SpanRecorder] = []
    /// Spans that ever came in.
    private(set) var acceptedCount = 0
    /// Spans up to this one leave without waiting for a batch to be full.
    private var dueCount = 0
    private var isAnnounced = false

    init(limits: BatchLimits) {
        self.limits = limits
    }

    var count: Int { spans.count }

    enum Admission: Hashable {
        case queued
        /// A batch is full and nobody has been told yet.
        case batchIsFull
        case noRoom
    }

    /// Takes a span if there is room. O(1), amortised.
    mutating func append(_ span: SpanRecorder) -> Admission {
        guard spans.count < limits.queueSize else { return .noRoom }
        spans.append(span)
        acceptedCount += 1
        guard spans.count >= limits.batchSize, !isAnnounced else { return .queued }
        isAnnounced = true
        return .batchIsFull
    }

    /// Lets all that is here leave, in batches that need not be full.
    mutating func release() {
        dueCount = acceptedCount
    }

    /// The next batch, if one is full or due; else empty. O(spans).
    mutating func nextBatch() -> [SpanRecorder] {
        let takenCount = acceptedCount - spans.count
        guard spans.count >= limits.batchSize || takenCount < dueCount else {
            isAnnounced = false
            return []
        }
        let batch = Array(spans.prefix(limits.batchSize))
        spans.removeFirst(batch.count)
        return batch
    }

    /// Forgets all spans and gives how many there were.
    mutating func removeAll() -> Int {
        defer { spans = [] }
        return spans.count
    }
}
