internal import Synchronization

extension BatchSpanProcessor {
    /// Exports all that is queued soon, without waiting for it.
    func release() {
        state.withLock { $0.queue.release() }
        wake.yield()
    }

    /// Exports all that is queued and waits for it.
    ///
    /// - Returns: whether every span that had ended before the call was exported, or lost for another reason than time, within `limit`.
    func flush(within limit: Duration) async -> Bool {
        await time.limited(to: limit) { await self.flush() } ?? false
    }

    private func flush() async -> Bool {
        let number = state.withLock { state in
            state.nextFlush += 1
            return state.nextFlush
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    let target = state.queue.acceptedCount
                    if state.settledCount >= target { return true }
                    if state.phase == .stopped || Task.isCancelled { return false }
                    state.queue.release()
                    state.flushes[number] = Flush(target: target, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) } else { wake.yield() }
            }
        } onCancel: {
            state.withLock { $0.flushes.removeValue(forKey: number) }?.continuation.resume(returning: false)
        }
    }

    /// Counts spans as settled and tells those who waited for them.
    func settle(_ count: Int, _ result: ExportResult) {
        let done = state.withLock { state in
            state.settledCount += count
            state.statistics.exported += result.exported
            state.statistics.dropped.merge(result.dropped, uniquingKeysWith: +)
            let settled = state.settledCount
            let done = state.flushes.filter { $0.value.target <= settled }
            for number in done.keys { state.flushes.removeValue(forKey: number) }
            return Array(done.values)
        }
        for flush in done { flush.continuation.resume(returning: true) }
    }
}
