import Synchronization

@testable import OTLPTracing

/// Takes batches, and finishes one when a test says so.
final class StubExporter: SpanExporter {
    private enum Gate {
        case closed
        /// A batch that has not come yet may pass.
        case open
        case occupied(CheckedContinuation<Bool, Never>)
    }

    private let names: AsyncStream<[String]>
    private let arrival: AsyncStream<[String]>.Continuation
    private let holds: Bool
    private let gate = Mutex(Gate.closed)
    let isShutDown = Mutex(false)

    /// - Parameter holds: whether a batch takes until ``finishOne()`` or cancellation.
    init(holds: Bool = false) {
        self.holds = holds
        (names, arrival) = AsyncStream.makeStream()
    }

    func export(_ batch: [SpanRecord]) async -> ExportResult {
        arrival.yield(batch.map(\.content.name))
        guard await holds ? pass() : true else { return ExportResult(dropped: [.shutdown: batch.count]) }
        return ExportResult(exported: batch.count)
    }

    func shutdown() async {
        isShutDown.withLock { $0 = true }
        arrival.finish()
    }

    func finishOne() { change(to: .open, passes: true) }

    /// The names of the spans in the next batch, as soon as there is one; nil after the end.
    func nextBatch() async -> [String]? {
        for await batch in names { return batch }
        return nil
    }

    private func pass() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes: Bool? = gate.withLock { gate in
                    if case .open = gate {
                        gate = .closed
                        return true
                    }
                    if Task.isCancelled { return false }
                    gate = .occupied(continuation)
                    return nil
                }
                if let passes { continuation.resume(returning: passes) }
            }
        } onCancel: {
            change(to: .closed, passes: false)
        }
    }

    private func change(to other: Gate, passes: Bool) {
        let waiting: CheckedContinuation<Bool, Never>? = gate.withLock { gate in
            guard case .occupied(let continuation) = gate else {
                gate = other
                return nil
            }
            gate = .closed
            return continuation
        }
        waiting?.resume(returning: passes)
    }
}
