import Synchronization
import Testing

@testable import OTLPTracing

private func limits(queue: Int, batch: Int) -> BatchLimits {
    var limits = BatchLimits()
    limits.queueSize = queue
    limits.batchSize = batch
    return limits
}

private func names(_ range: Range<Int>) -> [String] { range.map { "span \($0)" } }

@Suite("The batch processor")
struct BatchProcessorTests {
    @Test("drops and counts what does not fit its queue, and never waits")
    func bound() async {
        let exporter = StubExporter()
        let tracer = OTLPTracer.test(exporter, batching: limits(queue: 10, batch: 4))
        tracer.record(names(0..<25))
        let statistics = tracer.statistics
        #expect(statistics?.queueLength == 10 && statistics?.queueCapacity == 10 && statistics?.exported == 0)
        #expect(statistics?.dropped[.queueFull] == 15)
        #expect(
            statistics?.dropped.values.reduce(0, +) == 15 && statistics?.dropped.count == SpanDropReason.allCases.count
        )
    }

    @Test("exports a full batch at once, and the rest after the delay")
    func schedule() async throws {
        let exporter = StubExporter()
        let time = ManualTime()
        let tracer = OTLPTracer.test(exporter, time: time, batching: limits(queue: 100, batch: 4))
        try await whileRunning(tracer) {
            await time.untilSomebodySleeps(for: .seconds(5))
            tracer.record(names(0..<9))
            #expect(await exporter.nextBatch() == names(0..<4))
            #expect(await exporter.nextBatch() == names(4..<8))
            time.advance(by: .milliseconds(4999))
            #expect(tracer.statistics?.queueLength == 1)
            time.advance(by: .milliseconds(1))
            #expect(await exporter.nextBatch() == names(8..<9))
            await time.untilSomebodySleeps(for: .seconds(5))
            tracer.record(names(9..<10))
            time.advance(by: .seconds(5))
            #expect(await exporter.nextBatch() == names(9..<10))
        }
        #expect(tracer.statistics?.exported == 10)
    }

    @Test("exports one batch at a time, while spans go on to be queued")
    func oneAtATime() async throws {
        let exporter = StubExporter(holds: true)
        let tracer = OTLPTracer.test(exporter, batching: limits(queue: 6, batch: 2))
        try await whileRunning(tracer) {
            tracer.record(names(0..<2))
            #expect(await exporter.nextBatch() == names(0..<2))
            // Two are with the exporter and six wait.
            tracer.record(names(2..<10))
            #expect(tracer.statistics?.queueLength == 6 && tracer.statistics?.dropped[.queueFull] == 2)
            for start in [2, 4, 6] {
                exporter.finishOne()
                #expect(await exporter.nextBatch() == names(start..<start + 2))
            }
            exporter.finishOne()
            #expect(await tracer.flush(within: .seconds(1)))
        }
        #expect(tracer.statistics?.exported == 8)
    }

    @Test("flushes on request: what has ended before, in batches, without the delay")
    func flush() async throws {
        let exporter = StubExporter()
        let tracer = OTLPTracer.test(exporter, batching: limits(queue: 100, batch: 4))
        try await whileRunning(tracer) {
            #expect(await tracer.flush(within: .seconds(1)))
            tracer.record(names(0..<6))
            #expect(await tracer.flush(within: .seconds(1)))
            #expect(tracer.statistics?.exported == 6 && tracer.statistics?.queueLength == 0)
            #expect(await exporter.nextBatch() == names(0..<4))
            #expect(await exporter.nextBatch() == names(4..<6))
            tracer.record(names(6..<7))
            tracer.forceFlush()
            #expect(await exporter.nextBatch() == names(6..<7))
        }
    }

    @Test("gives up a flush that takes too long, or whose task is cancelled")
    func slowFlush() async throws {
        let exporter = StubExporter(holds: true)
        let time = ManualTime()
        let tracer = OTLPTracer.test(exporter, time: time)
        try await whileRunning(tracer) {
            tracer.record(names(0..<1))
            async let flushed = tracer.flush(within: .seconds(3))
            #expect(await exporter.nextBatch() == names(0..<1))
            await time.untilSomebodySleeps(for: .seconds(3))
            time.advance(by: .seconds(3))
            #expect(await flushed == false)
            let other = Task { await tracer.flush(within: .seconds(4)) }
            await time.untilSomebodySleeps(for: .seconds(4))
            other.cancel()
            #expect(await other.value == false)
            exporter.finishOne()
            #expect(await tracer.flush(within: .seconds(3)))
        }
    }

    @Test("gives up a batch that takes too long, counts it and goes on")
    func exportTimeout() async throws {
        let exporter = StubExporter(holds: true)
        let time = ManualTime()
        let tracer = OTLPTracer.test(exporter, time: time, batching: limits(queue: 10, batch: 2))
        try await whileRunning(tracer) {
            tracer.record(names(0..<4))
            #expect(await exporter.nextBatch() == names(0..<2))
            await time.untilSomebodySleeps(for: .seconds(30))
            time.advance(by: .seconds(30))
            #expect(await exporter.nextBatch() == names(2..<4))
            #expect(tracer.statistics?.dropped[.timedOut] == 2)
            exporter.finishOne()
            #expect(await tracer.flush(within: .seconds(1)))
        }
        #expect(tracer.statistics?.exported == 2)
    }

    @Test("exports what is left at graceful shutdown, then takes nothing more")
    func shutdown() async throws {
        let exporter = StubExporter()
        let tracer = OTLPTracer.test(exporter, batching: limits(queue: 100, batch: 4))
        try await whileRunning(tracer) { tracer.record(names(0..<6)) }
        #expect(await exporter.nextBatch() == names(0..<4))
        #expect(await exporter.nextBatch() == names(4..<6))
        #expect(await exporter.nextBatch() == nil)
        #expect(exporter.isShutDown.withLock { $0 })
        tracer.record(names(6..<8))
        #expect(tracer.statistics?.exported == 6 && tracer.statistics?.dropped[.shutdown] == 2)
        #expect(tracer.statistics?.queueLength == 0)
    }

    @Test("stops when the time for the last export is over, and counts what is lost")
    func lateShutdown() async throws {
        let exporter = StubExporter(holds: true)
        let time = ManualTime()
        let tracer = OTLPTracer.test(exporter, time: time, batching: limits(queue: 100, batch: 4))
        tracer.record(names(0..<6))
        async let stopped: Void = whileRunning(tracer) { #expect(await exporter.nextBatch() == names(0..<4)) }
        await time.untilSomebodySleeps(for: .seconds(7))
        time.advance(by: .seconds(7))
        try await stopped
        #expect(tracer.statistics?.dropped[.shutdown] == 6 && tracer.statistics?.exported == 0)
    }

    @Test("stops at once when it is cancelled")
    func cancellation() async throws {
        let exporter = StubExporter(holds: true)
        let tracer = OTLPTracer.test(exporter, batching: limits(queue: 100, batch: 4))
        tracer.record(names(0..<6))
        let running = Task { await tracer.run() }
        #expect(await exporter.nextBatch() == names(0..<4))
        running.cancel()
        await running.value
        #expect(tracer.statistics?.dropped[.shutdown] == 6)
    }

    @Test("loses and doubles nothing when many tasks end spans at once")
    func concurrency() async throws {
        let keeper = RecordKeeper()
        let tracer = OTLPTracer.test(keeper, batching: limits(queue: 100_000, batch: 64))
        try await whileRunning(tracer) {
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        tracer.record((0..<500).map { "\(task).\($0)" })
                        _ = await tracer.flush(within: .seconds(60))
                    }
                }
            }
        }
        var names: Set<String> = []
        var count = 0
        for await record in keeper.records {
            names.insert(record.content.name)
            count += 1
        }
        #expect(count == 4000 && names.count == 4000 && tracer.statistics?.exported == 4000)
    }
}
