import Testing
import Tracing

@testable import OTLPTracing

private struct Mishap: Error, CustomStringConvertible {
    let description = "the dog ate it"
}

@Suite("A sampled span")
struct SpanTests {
    @Test("is recorded with its ids, kind, times and name")
    func basics() async throws {
        let time = ManualTime()
        let records = try await recorded(time: time) { tracer in
            let remote = try #require(
                TraceContext(traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", traceState: "a=1")
            )
            let parent = tracer.startSpan("GET /v1/things", parent: remote, ofKind: .server)
            time.advance(by: .nanoseconds(1500))
            let start = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_001_500)
            let child = tracer.startSpan("SELECT", context: parent.context, ofKind: .client, at: start)
            #expect(child.isRecording && child.operationName == "SELECT")
            child.operationName = "SELECT things"
            time.advance(by: .microseconds(2))
            child.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_009_000))
            #expect(!child.isRecording)
            parent.end()
        }
        try #require(records.count == 2)
        let (child, parent) = (records[0], records[1])
        #expect(parent.content.name == "GET /v1/things" && parent.kind == .server)
        #expect(parent.parent?.spanID.description == "b7ad6b7169203331" && parent.parent?.isRemote == true)
        #expect(parent.start == 1_700_000_000_000_000_000 && parent.content.end == 1_700_000_000_000_003_500)
        #expect(child.content.name == "SELECT things" && child.kind == .client)
        #expect(child.parent?.spanID == parent.context.spanID && child.parent?.isRemote == false)
        #expect(child.context.traceID == parent.context.traceID && child.context.traceState?.description == "a=1")
        #expect(child.start == 1_700_000_000_000_001_500 && child.content.end == 1_700_000_000_000_009_000)
    }

    @Test("takes attributes one by one, all at once, and as the tracing package sets them")
    func attributes() async throws {
        let records = try await recorded { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            span.setAttribute("one", to: 1)
            span.setAttribute("two", to: "2")
            span.setAttribute("gone", to: true)
            span.setAttribute("gone", to: nil)
            span.attributes["three"] = 3.5
            span.attributes["one"] = "uno"
            span.updateAttributes { $0["two"] = nil }
            span.setAttribute("list", to: .stringConvertibleArray([1, "b"]))
            span.setAttribute("", to: "a key has to have a name")
            #expect(span.attributes.get("three") == .double(3.5) && span.attributes.count == 3)
            span.end()
        }
        let attributes = try #require(records.first).content.attributes
        #expect(attributes.entries.map(\.key) == ["one", "three", "list"] && attributes.droppedCount == 1)
        #expect(
            attributes.entries.map(\.value) == [.string("uno"), .double(3.5), .stringArray(["1", "b"])]
        )
    }

    @Test("counts what is beyond its limits")
    func limits() async throws {
        let limits = SpanLimits()
        let records = try await recorded { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            let many = SpanAttributes(Dictionary(uniqueKeysWithValues: (0..<200).map { ("key \($0)", .int64($0)) }))
            span.attributes = many
            span.setAttribute("one more", to: 1)
            for index in 0..<200 {
                span.addEvent(SpanEvent(name: "event \(index)", attributes: index == 0 ? many : [:]))
                span.addLink(SpanLink(context: span.context, attributes: index == 0 ? many : [:]))
            }
            span.end()
        }
        let content = try #require(records.first).content
        #expect(content.attributes.entries.count == limits.attributes && content.attributes.droppedCount == 73)
        #expect(content.events.count == limits.events && content.droppedEventCount == 72)
        #expect(content.links.count == limits.links && content.droppedLinkCount == 72)
        #expect(content.events[0].attributes.entries.count == 128 && content.events[0].attributes.droppedCount == 72)
        #expect(content.links[0].attributes.entries.count == 128 && content.links[0].attributes.droppedCount == 72)
    }

    @Test("at its limit still lets an attribute change")
    func change() async throws {
        var limits = SpanLimits()
        limits.attributes = 1
        let records = try await recorded(limits: limits) { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            span.setAttribute("a", to: 1)
            span.setAttribute("b", to: 1)
            span.setAttribute("a", to: 2)
            span.end()
        }
        let attributes = try #require(records.first).content.attributes
        #expect(attributes.dictionary == ["a": 2] && attributes.droppedCount == 1)
    }

    @Test("cuts long text between scalars, and long lists")
    func text() async throws {
        var limits = SpanLimits()
        limits.textLength = 10
        limits.arrayElements = 3
        let records = try await recorded(limits: limits) { tracer in
            let span = tracer.startSpan("0123456789 and more", parent: nil, ofKind: .internal)
            span.setAttribute("a", to: "12345678é0")
            span.setAttribute("b", to: "123456789é")
            span.setAttribute("c", to: "1234567🐦")
            span.setAttribute("d", to: "0123456789")
            span.setAttribute("e", to: .stringArray(["01234567890", "b", "c", "d"]))
            span.setAttribute("f", to: .int64Array([1, 2, 3, 4]))
            span.setAttribute("g", to: .stringConvertible(Mishap()))
            span.setAttribute("a long key, too", to: 1)
            span.setStatus(SpanStatus(code: .error, message: "0123456789 and more"))
            span.addEvent(SpanEvent(name: "0123456789 and more"))
            span.end()
        }
        let content = try #require(records.first).content
        #expect(
            content.attributes.dictionary == [
                "a": "12345678é", "b": "123456789", "c": "1234567", "d": "0123456789",
                "e": .stringArray(["0123456789", "b", "c"]), "f": .int64Array([1, 2, 3]), "g": "the dog at",
                "a long key": 1,
            ]
        )
        #expect(content.name == "0123456789" && content.status?.message == "0123456789")
        #expect(content.events.map(\.name) == ["0123456789"])
    }

    @Test("records an error as OpenTelemetry's exception event")
    func errors() async throws {
        let time = ManualTime()
        let records = try await recorded(time: time) { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            span.recordError(
                Mishap(),
                attributes: ["exception.escaped": true],
                at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 5)
            )
            span.end()
        }
        let event = try #require(records.first?.content.events.first)
        #expect(event.name == "exception" && event.nanoseconds == 5)
        #expect(event.attributes.dictionary.get("exception.message") == "the dog ate it")
        guard case .string(let type) = event.attributes.dictionary.get("exception.type") else {
            return #expect(Bool(false), "there is no type")
        }
        #expect(type.hasPrefix("OTLPTracingTests.") && type.hasSuffix("Mishap"))
        #expect(event.attributes.dictionary.get("exception.escaped") == true)
    }

    @Test("that an operation throws out of has an error and ends")
    func withSpan() async throws {
        let records = try await recorded { tracer in
            #expect(throws: Mishap.self) {
                try tracer.withSpan("outer") { _ in
                    try tracer.withSpan("inner") { _ -> Void in throw Mishap() }
                }
            }
        }
        #expect(records.map(\.content.name) == ["inner", "outer"])
        #expect(records.allSatisfy { $0.content.status?.code == .error && $0.content.events.count == 1 })
        #expect(records.first?.parent?.spanID == records.last?.context.spanID)
    }

    @Test("has a status in which ok is final and only an error has a message")
    func status() async throws {
        let records = try await recorded { tracer in
            let first = tracer.startSpan("a", parent: nil, ofKind: .internal)
            first.setStatus(SpanStatus(code: .error, message: "broken"))
            first.setStatus(SpanStatus(code: .ok, message: "fine"))
            first.setStatus(SpanStatus(code: .error, message: "broken"))
            first.end()
            let second = tracer.startSpan("b", parent: nil, ofKind: .internal)
            second.setStatus(SpanStatus(code: .error, message: "broken"))
            second.end()
            tracer.startSpan("c", parent: nil, ofKind: .internal).end()
        }
        #expect(
            records.map(\.content.status) == [
                SpanStatus(code: .ok), SpanStatus(code: .error, message: "broken"), nil,
            ]
        )
    }

    @Test("ends once, and what comes later is ignored")
    func afterEnd() async throws {
        let time = ManualTime()
        let records = try await recorded(time: time) { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            span.end()
            time.advance(by: .seconds(1))
            span.operationName = "b"
            span.attributes["late"] = true
            span.setAttribute("late", to: true)
            span.addEvent("late")
            span.addLink(SpanLink(context: span.context, attributes: [:]))
            span.recordError(Mishap())
            span.setStatus(SpanStatus(code: .error))
            span.end()
            span.end(at: DefaultTracerClock.now)
        }
        try #require(records.count == 1)
        let content = records[0].content
        #expect(content.name == "a" && content.attributes.entries.isEmpty && content.events.isEmpty)
        #expect(content.links.isEmpty && content.status == nil && content.end == records[0].start)
    }

    @Test("does not end before it starts, whatever the clock does")
    func clockSetBack() async throws {
        let records = try await recorded { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1))
        }
        #expect(records.first?.content.end == records.first?.start)
    }

    @Test("lets a value look at the span while it describes itself")
    func reentrancy() async throws {
        struct Curious: CustomStringConvertible, Sendable {
            let span: OTLPSpan
            var description: String { span.operationName }
        }
        let records = try await recorded { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            let value = SpanAttribute.stringConvertible(Curious(span: span))
            span.setAttribute("one", to: value)
            span.attributes["two"] = value
            span.addEvent(SpanEvent(name: "b", attributes: ["three": value]))
            span.addLink(SpanLink(context: span.context, attributes: ["four": value]))
            span.end()
        }
        let content = try #require(records.first).content
        #expect(content.attributes.dictionary == ["one": "a", "two": "a"])
        #expect(content.events[0].attributes.dictionary == ["three": "a"])
        #expect(content.links[0].attributes.dictionary == ["four": "a"])
    }

    @Test("may be used by many tasks at once")
    func concurrency() async throws {
        let records = try await recorded { tracer in
            let span = tracer.startSpan("a", parent: nil, ofKind: .internal)
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for index in 0..<10 { span.setAttribute("\(task).\(index)", to: .int64(Int64(index))) }
                        span.addEvent(SpanEvent(name: "\(task)"))
                    }
                }
            }
            await withTaskGroup { group in
                for _ in 0..<8 { group.addTask { span.end() } }
            }
        }
        try #require(records.count == 1)
        #expect(records[0].content.attributes.entries.count == 80 && records[0].content.events.count == 8)
    }
}

@Suite("A span that is not sampled")
struct UnsampledSpanTests {
    @Test("makes neither its name nor any value")
    func nothing() {
        let tracer = OTLPTracer.test(
            StubExporter(),
            behaviour: OTLPTracer.Behaviour(sampler: Sampler(.never, followsParent: true))
        )
        var made = 0
        func make<Value>(_ value: Value) -> Value {
            made += 1
            return value
        }
        let span = tracer.startSpan(make("a"), parent: nil, ofKind: .server)
        span.setAttribute("a", to: make(1))
        span.recordError(Mishap(), attributes: [:], at: make(DefaultTracerClock.now))
        span.attributes["b"] = 2
        span.addEvent("c")
        span.setStatus(SpanStatus(code: .error))
        span.operationName = "d"
        span.end(at: make(DefaultTracerClock.now))
        #expect(made == 0 && span.attributes.isEmpty && span.operationName.isEmpty && !span.isRecording)
        #expect(tracer.statistics?.queueLength == 0)
    }
}
