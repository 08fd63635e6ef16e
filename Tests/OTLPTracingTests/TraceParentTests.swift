import TestSupport
import Testing

@testable import OTLPTracing

private let trace = "0af7651916cd43dd8448eb211c80319c"
private let span = "b7ad6b7169203331"

@Suite("A traceparent")
struct TraceParentTests {
    @Test(
        "is read",
        arguments: [
            ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", false), ("00-\(trace)-\(span)-03", true),
            ("00-\(trace)-\(span)-fe", false), ("00-\(trace)-\(span)-ff", true), (" 00-\(trace)-\(span)-01\t", true),
            ("01-\(trace)-\(span)-01", true), ("fe-\(trace)-\(span)-01-what-the-future-brings", true),
            ("cc-\(trace)-\(span)-00-", false),
        ]
    )
    func valid(_ text: String, _ isSampled: Bool) throws {
        let context = try #require(TraceContext(traceParent: text))
        #expect(context.traceID.description == trace && context.spanID.description == span)
        #expect(context.isSampled == isSampled && context.isRemote && context.traceState == nil)
    }

    @Test(
        "that is malformed is none",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-001",
            "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-00", "00-\(trace)-\(span)-01,00-\(trace)-\(span)-01",
            "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-01", "FE-\(trace)-\(span)-01", "0x-\(trace)-\(span)-01",
            "01-\(trace)-\(span)-01.more", "01-\(trace)-\(span)-0", "00-\(trace.uppercased())-\(span)-01",
            "00-\(trace)-\(span.uppercased())-01", "00-\(trace)-\(span)-0A", "00-\(trace)-\(span)-0g",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01", "00-\(trace)-\(span)_01", "00-\(trace)\(span)--01",
            "00-\(trace)-\(span)-0１", "00-\(trace.dropLast())é-\(span)-01", "00 -\(trace)-\(span)-01",
        ]
    )
    func invalid(_ text: String) {
        #expect(TraceContext(traceParent: text, traceState: "a=b") == nil)
    }

    @Test("that is written is read again as the same")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1000 {
            // Leading zeros matter.
            let shift = UInt64.random(in: 0..<64, using: &generator)
            let traceID = try #require(TraceID(high: generator.next() >> shift, low: generator.next() >> shift | 1))
            let spanID = try #require(SpanID(generator.next() >> shift | 1))
            let context = TraceContext(traceID: traceID, spanID: spanID, isSampled: Bool.random(using: &generator))
            #expect(context.traceParent.utf8.count == 55)
            let again = try #require(TraceContext(traceParent: context.traceParent))
            #expect(again.traceID == traceID && again.spanID == spanID && again.isSampled == context.isSampled)
        }
    }

    @Test("with some characters changed is read exactly when the grammar allows it")
    func mutations() throws {
        let grammar = /00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/
        var generator = SeededGenerator(seed: 2)
        var validCount = 0
        for _ in 0..<4000 {
            var text = Array("00-\(trace)-\(span)-01".utf8)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let index = Int.random(in: 2..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text.remove(at: index)
                case 1: text.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: index)
                default: text[index] = try #require("0123456789abcdefABg-_ ".utf8.randomElement(using: &generator))
                }
            }
            let string = String(decoding: text, as: UTF8.self)
            var trimmed = string[...]
            while trimmed.last == " " { trimmed.removeLast() }
            let match = try grammar.wholeMatch(in: trimmed)
            let isValid = match.map { $0.1.contains { $0 != "0" } && $0.2.contains { $0 != "0" } } ?? false
            #expect((TraceContext(traceParent: string) != nil) == isValid, "\(string)")
            validCount += isValid ? 1 : 0
        }
        #expect(validCount > 500)
    }
}
