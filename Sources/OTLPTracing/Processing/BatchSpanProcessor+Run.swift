internal import ServiceLifecycle
internal import Synchronization

extension BatchSpanProcessor {
    private enum Ending { case exported, outOfTime, cancelled }

    /// How long the last export may take where the time for everything is over.
    static let lastMoment: Duration = .milliseconds(800)

    /// Exports spans until graceful shutdown, then what is left, within the time for that; when cancelled, what is left within a moment.
    ///
    /// Whatever has not left by then is dropped and counted. It runs once.
    func run() async {
        let isFirst = state.withLock { state in
            guard state.phase == .idle else { return false }
            state.phase = .running
            return true
        }
        guard isFirst else { return }
        await withTaskGroup(of: Ending.self) { group in
            group.addTask { await self.work() }
            group.addTask { await self.keepTime() }
            group.addTask { await self.awaitShutdown() }
            _ = await group.next()
            group.cancelAll()
        }
        if Task.isCancelled { await exportAtLast() }
        stop()
        await exporter.shutdown()
    }

    /// Exports batches as they are full or due. Ends when there will be no more.
    private func work() async -> Ending {
        for await _ in wakeups {
            await exportBatches()
        }
        // The stream has ended and perhaps swallowed a wake-up.
        state.withLock { $0.queue.release() }
        await exportBatches()
        return .exported
    }

    /// The spans of requests that were cut off at a deadline are those that somebody will look for. A task of its own, because this one is
    /// cancelled, and what it waits for with it.
    private func exportAtLast() async {
        state.withLock { $0.queue.release() }
        let last = Task {
            // By the real clock, whatever else goes by: nobody may hold up the end.
            await TimeSource.system.limited(to: Self.lastMoment) { await self.exportBatches() }
        }
        _ = await last.value
    }

    private func exportBatches() async {
        while !Task.isCancelled {
            let batch = state.withLock { $0.queue.nextBatch() }
            if batch.isEmpty { return }
            settle(batch.count, await export(batch))
        }
    }

    private func export(_ batch: [SpanRecorder]) async -> ExportResult {
        let exporter = exporter
        let result = await time.limited(to: limits.exportTimeout) {
            await exporter.export(batch.map(\.record))
        }
        return result ?? ExportResult(dropped: [Task.isCancelled ? .shutdown : .timedOut: batch.count])
    }

    /// Makes all that waits due, again and again.
    private func keepTime() async -> Ending {
        while true {
            do { try await time.sleep(limits.scheduleDelay) } catch { return .cancelled }
            release()
        }
    }

    /// Ends the stream of wake-ups at graceful shutdown, and itself when the time for the last export is over.
    private func awaitShutdown() async -> Ending {
        do {
            try await gracefulShutdown()
            wake.finish()
            try await time.sleep(shutdownTimeout)
            return .outOfTime
        } catch {
            return .cancelled
        }
    }

    private func stop() {
        wake.finish()
        let (lost, flushes) = state.withLock { state in
            state.phase = .stopped
            let flushes = Array(state.flushes.values)
            state.flushes = [:]
            return (state.queue.removeAll(), flushes)
        }
        for flush in flushes { flush.continuation.resume(returning: false) }
        settle(lost, ExportResult(dropped: [.shutdown: lost]))
    }
}
