import JSONLogging
import Logging
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("A timestamp")
struct LogTimestampTests {
    private func rendered(_ timestamp: LogTimestamp) -> Substring {
        var line = LogLine(format: .json)
        line.begin(level: .info, message: "", logger: "", at: timestamp)
        let text = String(decoding: line.finish(), as: UTF8.self)
        return text.dropFirst(#"{"timestamp":""#.count).prefix { $0 != "\"" }
    }

    @Test(
        "is RFC 3339 in UTC with milliseconds",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (-1, 999, "1969-12-31T23:59:59.999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, 999, "2024-02-29T23:59:59.999Z"),
            (1_767_323_045, 678, "2026-01-02T03:04:05.678Z"),
            (4_107_542_399, 1, "2100-02-28T23:59:59.001Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000Z"),
        ] as [(Int64, Int, String)]
    )
    func rendersKnownInstants(seconds: Int64, milliseconds: Int, expected: String) {
        #expect(rendered(LogTimestamp(seconds: seconds, milliseconds: milliseconds)) == expected)
    }

    @Test("stays inside what RFC 3339 can express")
    func isClamped() {
        #expect(rendered(LogTimestamp(seconds: .max, milliseconds: .max)) == "9999-12-31T23:59:59.999Z")
        #expect(rendered(LogTimestamp(seconds: .min, milliseconds: .min)) == "0000-01-01T00:00:00.000Z")
    }

    @Test("agrees with the C library on four hundred years of days")
    func agreesWithLibrary() {
        for day in stride(from: -36_525, to: 109_575, by: 1) {
            var time = time_t(day * 86_400 + 86_399)
            var parts = tm()
            gmtime_r(&time, &parts)
            let text = rendered(LogTimestamp(seconds: Int64(time)))
            let fields = text.prefix(10).split(separator: "-").compactMap { Int32($0) }
            guard fields == [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday] else {
                Issue.record("day \(day) is rendered as \(text)")
                return
            }
        }
    }

    @Test("reads the wall clock")
    func readsClock() {
        let before = Int64(time(nil))
        let now = LogTimestamp.now()
        let after = Int64(time(nil))
        // `time(2)` may read a coarser clock that lags by a tick.
        #expect((before...after + 1).contains(now.seconds))
    }
}
