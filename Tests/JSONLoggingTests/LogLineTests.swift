import Foundation
import JSONLogging
import Logging
import Testing

@Suite("A log line")
struct LogLineTests {
    private func json(_ body: (inout LogLine) -> Void) -> String {
        line(.json, body)
    }

    private func line(_ format: LineFormat, _ body: (inout LogLine) -> Void) -> String {
        var line = LogLine(format: format)
        line.begin(
            level: .info,
            message: "request",
            logger: "access",
            at: LogTimestamp(seconds: 1_767_323_045, milliseconds: 678)
        )
        body(&line)
        return String(decoding: line.finish(), as: UTF8.self)
    }

    private static let jsonStart =
        #"{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","message":"request","logger":"access""#

    private func appendEverything(_ line: inout LogLine) {
        line.append("route", "/v1/fib")
        line.append("absent", nil)
        line.append("agent", "curl \"8\"")
        line.append("status", 200)
        line.append("least", Int.min)
        line.append("bytes", UInt64.max)
        line.append("duration_ms", 1.23456)
        line.append("hit", true)
    }

    @Test("holds typed fields in the order in which they came")
    func rendersFields() {
        #expect(
            json(appendEverything) == Self.jsonStart
                + #","route":"/v1/fib","agent":"curl \"8\"","status":200,"least":-9223372036854775808,"#
                + #""bytes":18446744073709551615,"duration_ms":1.235,"hit":true}"#
        )
        #expect(
            line(.text, appendEverything)
                == #"03:04:05.678 info  request  route=/v1/fib agent="curl \"8\"" status=200 "#
                + "least=-9223372036854775808 bytes=18446744073709551615 duration_ms=1.235 hit=true"
        )
    }

    @Test(
        "rounds numbers to three decimals and never writes what JSON has no number for",
        arguments: [
            (0, "0.000"), (-0.0, "0.000"), (-0.0004, "0.000"), (-1.5, "-1.500"), (0.9996, "1.000"),
            (999_999.9994, "999999.999"), (1e300, "1e+300"), (.infinity, #""inf""#), (.nan, #""nan""#),
        ] as [(Double, String)]
    )
    func rendersDoubles(value: Double, expected: String) {
        #expect(json { $0.append("x", value) } == Self.jsonStart + #","x":\#(expected)}"#)
    }

    @Test("can be used again, and starts empty each time")
    func isReusable() throws {
        let pipe = try PipeFixture()
        let writer = try lineWriter(to: pipe)
        var line = LogLine(format: .json, capacity: 0)
        for number in 0..<3 {
            line.begin(level: .error, message: "abandoned", logger: "access")
            line.append("junk", String(repeating: "x", count: 1000))
            line.begin(level: .info, message: "request", logger: "access", at: LogTimestamp(seconds: 0))
            line.append("number", number)
            let isWritten = line.write(to: writer)
            let isWrittenTwice = line.write(to: writer)
            let rest = line.finish()
            #expect(isWritten && !isWrittenTwice && rest.isEmpty)
        }
        #expect(
            try pipe.readLines(3)
                == (0..<3).map {
                    #"{"timestamp":"1970-01-01T00:00:00.000Z","level":"info","message":"request","#
                        + #""logger":"access","number":\#($0)}"#
                }
        )
        #expect(writer.shutdown(within: .seconds(20)))
    }

    @Test("keeps a field from passing for one of its own")
    func prefixesReservedKeys() {
        #expect(
            json { line in
                line.append("level", "x")
                line.append("metadata.level", "y")
                line.append("levels", "z")
            } == Self.jsonStart + #","metadata.level":"x","metadata.metadata.level":"y","levels":"z"}"#
        )
    }

    @Test("escapes what could end a string, a line or a terminal's patience")
    func escapes() {
        let hostile = "\"\\\n\r\t\u{8}\u{c}\0\u{1b}[2J\u{7f}\u{9b}\u{2028}\u{2029}\u{202e}é😀"
        #expect(
            json { $0.append("x", hostile) } == Self.jsonStart
                + #","x":"\"\\\n\r\t\b\f\u0000\u001b[2J\u007f\u009b\u2028\u2029\u202eé😀"}"#
        )
    }

    @Test("shows every scalar such that a JSON parser reads it back, on one line")
    func roundTripsScalars() throws {
        for start in stride(from: UInt32(0), to: 0x3000, by: 64) {
            let text = String(String.UnicodeScalarView((start..<start + 64).compactMap(Unicode.Scalar.init)))
            for format in LineFormat.allCases {
                let rendered = line(format) { $0.append("x", text) }
                #expect(!rendered.unicodeScalars.contains { $0.properties.generalCategory == .control })
                #expect(!rendered.contains { $0.isNewline })
            }
            let object = try parse(json { $0.append("x", text) })
            #expect((object["x"] as? String).map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
        }
    }

    @Test("repairs bytes that are not UTF-8 as the standard library does")
    func repairsBytes() throws {
        var generator = SplitMix(state: 42)
        let palette: [UInt8] = [
            0x00, 0x0A, 0x22, 0x5C, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
            0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                palette.randomElement(using: &generator) ?? 0
            }
            let object = try parse(json { $0.append("x", bytes: bytes.span.bytes) })
            let expected = String(decoding: bytes, as: UTF8.self)
            #expect((object["x"] as? String).map { Array($0.unicodeScalars) } == Array(expected.unicodeScalars))
        }
    }

    @Test("cuts long strings between scalars", arguments: ["a", "é", "€", "😀"])
    func cutsLongStrings(_ filler: String) throws {
        let width = filler.utf8.count
        for lead in 0..<width {
            let whole = String(repeating: "-", count: lead) + String(repeating: filler, count: 16_384 / width + 1)
            let object = try parse(json { $0.append("x", whole) })
            let shown = try #require(object["x"] as? String)
            #expect(shown.hasSuffix("…"))
            #expect(whole.hasPrefix(shown.dropLast()))
            #expect((16_381...16_384).contains(shown.utf8.count - "…".utf8.count))
        }
        let fits = String(repeating: "a", count: 16_384)
        #expect(try parse(json { $0.append("x", fits) })["x"] as? String == fits)
    }

    @Test("quotes a word of text only where it would be misread")
    func quotesText() {
        let rendered = line(.text) { line in
            line.append("a", "")
            line.append("b", "x=y")
            line.append("c", "plain-word_1/2")
            line.append("d", #"back\slash"#)
            line.append("e", "é")
        }
        #expect(rendered == #"03:04:05.678 info  request  a="" b="x=y" c=plain-word_1/2 d="back\\slash" e="é""#)
    }

    private func parse(_ line: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(object as? [String: Any])
    }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
