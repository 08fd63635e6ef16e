import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import OTLPTracing

@Suite("A batch")
struct RetryTests {
    private static let retries: RetryPolicy = {
        var policy = RetryPolicy()
        // A wait between two to one and one of these is made exact by what the collector asks for.
        policy.base = .milliseconds(2)
        return policy
    }()

    private let time = ManualTime()
    private let logs = LogRecorder()

    private func exporter(_ transport: StubTransport, _ retries: RetryPolicy = retries) -> OTLPExporter {
        OTLPExporter(
            settings: OTLPExporter.Settings(
                resource: [("service.name", "test")],
                isCompressed: false,
                totalTimeout: .seconds(30),
                retries: retries
            ),
            transport: transport,
            time: time.source,
            logger: logs.logger
        )
    }

    private func batch(_ count: Int) -> [SpanRecord] {
        (1...count).map { index in
            SpanRecord(
                context: TraceContext(
                    traceID: TraceID(nonZeroHigh: 1, low: 1),
                    spanID: SpanID(nonZero: UInt64(index)),
                    isSampled: true
                ),
                parent: nil,
                kind: .internal,
                start: 1,
                content: SpanRecord.Content(name: "a")
            )
        }
    }

    @Test(
        "is sent again when the collector is overloaded, not sooner than it asks for",
        arguments: [429, 502, 503, 504]
    )
    func retryAfter(_ status: Int) async {
        let transport = StubTransport([.status(status, retryAfter: "7"), .status(status, retryAfter: "3")])
        async let result = exporter(transport).export(batch(3))
        await time.untilSomebodySleeps(for: .seconds(7))
        time.advance(by: .seconds(7))
        await time.untilSomebodySleeps(for: .seconds(3))
        time.advance(by: .seconds(3))
        #expect(await result == ExportResult(exported: 3))
        #expect(transport.attempts.withLock { $0 } == 3)
        #expect(logs.lines.allSatisfy { $0.hasPrefix("debug") })
    }

    @Test("is sent again when there is no connection")
    func noConnection() async {
        let transport = StubTransport([.noConnection, .status(503, retryAfter: "4")])
        var retries = RetryPolicy()
        retries.base = .zero
        async let result = exporter(transport, retries).export(batch(2))
        await time.untilSomebodySleeps(for: .zero)
        time.advance(by: .zero)
        await time.untilSomebodySleeps(for: .seconds(4))
        time.advance(by: .seconds(4))
        #expect(await result == ExportResult(exported: 2))
    }

    @Test("is lost when it is refused", arguments: [301, 400, 401, 403, 404, 413, 415, 500, 501, 505])
    func refusal(_ status: Int) async {
        let transport = StubTransport([.status(status, retryAfter: "1")])
        #expect(await exporter(transport).export(batch(5)) == ExportResult(exported: 0, dropped: [.refused: 5]))
        #expect(transport.attempts.withLock { $0 } == 1)
        #expect(
            logs.lines == ["warning spans are not exported and lost problem=status \(status) reason=refused spans=5"]
        )
    }

    @Test("is lost at once when the collector asks for more time than there is")
    func longWait() async {
        let transport = StubTransport([.status(503, retryAfter: "30")])
        #expect(await exporter(transport).export(batch(5)) == ExportResult(dropped: [.unavailable: 5]))
        #expect(transport.attempts.withLock { $0 } == 1)
    }

    @Test("is lost after the last attempt")
    func attempts() async {
        var retries = RetryPolicy()
        retries.attempts = 1
        let transport = StubTransport([.noConnection])
        #expect(await exporter(transport, retries).export(batch(5)) == ExportResult(dropped: [.unavailable: 5]))
    }

    @Test("is lost when the task is cancelled, whatever it waits for")
    func cancellation() async {
        let transport = StubTransport([.status(503, retryAfter: "7")])
        let exporter = exporter(transport)
        let batch = batch(5)
        let task = Task { await exporter.export(batch) }
        await time.untilSomebodySleeps(for: .seconds(7))
        task.cancel()
        #expect(await task.value == ExportResult(dropped: [.shutdown: 5]))
    }

    @Test("may be taken in part, which counts")
    func partialSuccess() async throws {
        var response = MessageExportTraceServiceResponse()
        response.partialSuccess.rejectedSpans = 2
        response.partialSuccess.errorMessage = "too old"
        let transport = StubTransport([.status(200, body: try response.serializedBytes())])
        #expect(await exporter(transport).export(batch(5)) == ExportResult(exported: 3, dropped: [.rejected: 2]))
        #expect(logs.lines.count == 1 && logs.lines[0].contains("too old"))
    }

    @Test("is taken when the answer is no message", arguments: [[0xFF, 0xFF], [], Array("<html>".utf8)] as [[UInt8]])
    func oddAnswer(_ body: [UInt8]) async {
        #expect(await exporter(StubTransport([.status(200, body: body)])).export(batch(5)) == ExportResult(exported: 5))
    }

    @Test("that is lost in an outage is told once, and once that it is over")
    func logging() async {
        let exporter = exporter(StubTransport([.status(400), .status(404), .status(400)]))
        for _ in 0..<5 { _ = await exporter.export(batch(2)) }
        #expect(
            logs.lines == [
                "warning spans are not exported and lost problem=status 400 reason=refused spans=2",
                "notice spans are exported again lost=6",
            ]
        )
    }
}

@Suite("Waits between attempts")
struct RetryPolicyTests {
    @Test("double up to a limit, with jitter, within the time that is left")
    func waits() {
        var generator = SeededGenerator(seed: 6)
        let policy = RetryPolicy()
        for (attempt, limit) in zip(1..., [1, 2, 4, 8, 10]) {
            let waits = (0..<200).compactMap { _ in
                policy.wait(afterAttempt: attempt, requested: nil, remaining: .seconds(60), using: &generator)
            }
            #expect(waits.count == 200 && Set(waits).count > 100)
            #expect(waits.allSatisfy { $0 >= .seconds(limit) / 2 && $0 <= .seconds(limit) })
        }
        #expect(policy.wait(afterAttempt: 6, requested: nil, remaining: .seconds(60), using: &generator) == nil)
        #expect(policy.wait(afterAttempt: 1, requested: nil, remaining: .milliseconds(500), using: &generator) == nil)
        let asked = policy.wait(afterAttempt: 1, requested: .seconds(20), remaining: .seconds(21), using: &generator)
        #expect(asked == .seconds(20))
    }
}

@Suite("A Retry-After")
struct RetryAfterTests {
    @Test(
        "is read in seconds and as a date",
        arguments: [
            ("0", 0), ("7", 7), (" 120 ", 120), ("999999999", 999_999_999), ("Sun, 06 Nov 1994 08:49:37 GMT", 60),
            ("Sun, 06 Nov 1994 08:48:37 GMT", 0), ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
            ("Mon, 07 Nov 1994 08:48:37 GMT", 86_400), ("Thu, 29 Feb 1996 00:00:00 GMT", 41_440_283),
        ]
    )
    func valid(_ value: String, _ seconds: Int) {
        #expect(RetryAfter.delay(value, now: 784_111_777 - 60) == .seconds(seconds))
    }

    @Test(
        "that is malformed is none",
        arguments: [
            "", "-1", "1.5", "1e3", "1234567890", "soon", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        ]
    )
    func invalid(_ value: String) {
        #expect(RetryAfter.delay(value, now: 0) == nil)
    }
}
