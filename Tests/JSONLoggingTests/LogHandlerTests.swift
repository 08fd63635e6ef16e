import Foundation
import JSONLogging
import Logging
import Testing

@Suite("A log handler")
struct LogHandlerTests {
    private static let instant = LogTimestamp(seconds: 1_767_323_045, milliseconds: 678)

    /// What a logger writes, line by line.
    private func lines(
        _ format: LineFormat,
        level: Logger.Level = .info,
        provider: Logger.MetadataProvider? = nil,
        _ body: (inout Logger) -> Void
    ) throws -> [String] {
        let pipe = try PipeFixture()
        let writer = try lineWriter(to: pipe)
        var logger = Logger(label: "app") { label in
            LineLogHandler(
                label: label,
                format: format,
                writer: writer,
                logLevel: level,
                metadataProvider: provider,
                clock: { Self.instant }
            )
        }
        body(&logger)
        writer.append("end")
        var lines: [String] = []
        while lines.last != "end" {
            lines.append(try pipe.readLine())
        }
        #expect(writer.shutdown(within: .seconds(20)))
        return lines.dropLast()
    }

    private func json(_ rest: String, level: String = "info", message: String = "hello") -> String {
        #"{"timestamp":"2026-01-02T03:04:05.678Z","level":"\#(level)","message":"\#(message)","logger":"app"\#(rest)}"#
    }

    @Test("writes an object a line, metadata sorted by key")
    func writesJSON() throws {
        let lines = try lines(.json) { logger in
            logger.info("hello")
            logger.error("hello", metadata: ["zebra": "z", "apple": "a", "Mango": "m"])
        }
        #expect(lines == [json(""), json(#","Mango":"m","apple":"a","zebra":"z""#, level: "error")])
    }

    @Test("writes a line for people")
    func writesText() throws {
        let lines = try lines(.text) { logger in
            logger.info("message", metadata: ["key": "value", "key2": "value with spaces"])
            logger.warning("say \"hi\"")
            logger.critical("x", metadata: ["odd key": ["a": "1", "b": ["two words", "x"]]])
        }
        #expect(
            lines == [
                #"03:04:05.678 info  message  key=value key2="value with spaces""#,
                #"03:04:05.678 warning say "hi""#,
                #"03:04:05.678 critical x  "odd key"={"a":"1","b":["two words","x"]}"#,
            ]
        )
    }

    @Test("writes nothing below its level", arguments: Logger.Level.allCases)
    func filtersLevels(_ threshold: Logger.Level) throws {
        let lines = try lines(.json, level: threshold) { logger in
            for level in Logger.Level.allCases {
                logger.log(level: level, "hello")
            }
        }
        #expect(lines.count == Logger.Level.allCases.filter { $0 >= threshold }.count)
    }

    @Test("prefers the metadata of the call to the handler's, and the handler's to the provider's")
    func ranksMetadata() throws {
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider", "c": "provider"] }
        let lines = try lines(.json, provider: provider) { logger in
            logger.info("hello")
            logger[metadataKey: "b"] = "handler"
            logger[metadataKey: "c"] = "handler"
            logger.info("hello", metadata: ["c": "call"])
        }
        #expect(
            lines == [
                json(#","a":"provider","b":"provider","c":"provider""#),
                json(#","a":"provider","b":"handler","c":"call""#),
            ]
        )
    }

    @Test("is a value: a copy has a level and metadata of its own")
    func isValue() throws {
        let lines = try lines(.json) { logger in
            var copy = logger
            copy.logLevel = .error
            copy[metadataKey: "only"] = "copy"
            logger.info("hello")
            copy.info("hello")
            #expect(copy[metadataKey: "only"] == "copy")
            #expect(logger[metadataKey: "only"] == nil)
        }
        #expect(lines == [json("")])
    }

    @Test("keeps metadata from passing for the line's own fields")
    func prefixesReservedKeys() throws {
        let lines = try lines(.json) { logger in
            logger.info("hello", metadata: ["level": "fake", "timestamp": "fake", "error": "told"])
            logger.info("hello", error: Failure(), metadata: ["error": "told"])
        }
        #expect(
            lines == [
                json(#","error":"told","metadata.level":"fake","metadata.timestamp":"fake""#),
                json(#","error":"out of \"luck\"","metadata.error":"told""#),
            ]
        )
    }

    @Test("keeps numbers and booleans what they are, and nests what is nested")
    func keepsTypes() throws {
        let lines = try lines(.json) { logger in
            logger.info(
                "hello",
                metadata: [
                    "array": ["x", .stringConvertible(2), []],
                    "bool": .stringConvertible(true),
                    "double": .stringConvertible(0.00001),
                    "float": .stringConvertible(Float(0.5)),
                    "int": .stringConvertible(-7),
                    "nan": .stringConvertible(Double.nan),
                    "object": ["b": "\n", "a": .stringConvertible(UInt8.max)],
                    "other": .stringConvertible(Failure()),
                    "wide": .stringConvertible(UInt128.max),
                ]
            )
        }
        #expect(
            lines == [
                json(
                    #","array":["x",2,[]],"bool":true,"double":1e-05,"float":0.5,"int":-7,"nan":"nan","#
                        + #""object":{"a":255,"b":"\n"},"other":"out of \"luck\"","#
                        + #""wide":340282366920938463463374607431768211455"#
                )
            ]
        )
    }

    @Test("stops at eight levels of nesting")
    func boundsNesting() throws {
        var value: Logger.MetadataValue = "core"
        for _ in 0..<20 {
            value = [value]
        }
        let lines = try lines(.json) { $0.info("hello", metadata: ["deep": value]) }
        #expect(
            lines == [
                json(#","deep":"# + String(repeating: "[", count: 8) + #""…""# + String(repeating: "]", count: 8))
            ]
        )
    }

    @Test("names the place in the source at trace and debug, and nowhere else")
    func namesSource() throws {
        let lines = try lines(.json, level: .trace) { logger in
            logger.debug("hello", source: "Module", file: "M/f.swift", function: "g()", line: 12)
            logger.info("hello", source: "Module", file: "M/f.swift", function: "g()", line: 12)
        }
        #expect(
            lines == [
                json(#","source":"Module","file":"M/f.swift","function":"g()","line":12"#, level: "debug"),
                json(""),
            ]
        )
        let text = try self.lines(.text, level: .trace) { logger in
            logger.trace("hello", source: "Module", file: "M/f.swift", function: "g()", line: 12)
        }
        #expect(
            text == ["03:04:05.678 trace hello  logger=app source=Module file=M/f.swift function=g() line=12"]
        )
    }

    @Test("writes one line whatever it is given", arguments: LineFormat.allCases)
    func staysOnOneLine(_ format: LineFormat) throws {
        let hostile = "\n{\"level\":\"critical\"}\r\u{1b}]0;owned\u{7}\u{2028}\u{85}\0\u{202e}"
        let lines = try lines(format) { logger in
            logger.info("\(hostile)", error: Failure(), metadata: [hostile: "\(hostile)", "nested": [hostile: "x"]])
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(!line.contains { $0.isNewline })
        #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
        if format == .json {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["message"] as? String == hostile)
            #expect(object?[hostile] as? String == hostile)
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description = "out of \"luck\""
    }
}
