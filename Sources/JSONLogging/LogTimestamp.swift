#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An instant of the wall clock, in UTC, as a log line shows it.
///
/// Lines carry milliseconds, cut and not rounded. An instant outside the years 0000 to 9999, which RFC 3339 cannot
/// express, is moved to the nearest one inside.
public struct LogTimestamp: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let seconds: Int64

    /// The part of a second that has passed, 0 to 999.
    public let milliseconds: Int

    /// The instant `milliseconds` after a second of Unix time.
    ///
    /// - Parameters:
    ///   - seconds: Seconds since 1970-01-01T00:00:00Z.
    ///   - milliseconds: The part of a second that has passed; moved into 0 to 999.
    public init(seconds: Int64, milliseconds: Int = 0) {
        self.seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        self.milliseconds = min(max(milliseconds, 0), 999)
    }

    /// The wall clock's reading now.
    public static func now() -> LogTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTimestamp(seconds: Int64(time.tv_sec), milliseconds: Int(time.tv_nsec) / 1_000_000)
    }
}

extension ByteBuffer {
    /// Appends `2026-01-02T03:04:05.678Z` (RFC 3339 §5.6).
    mutating func appendRFC3339(_ timestamp: LogTimestamp) {
        let date = CivilDate(daysSince1970: timestamp.days)
        appendDecimal(UInt64(date.year), width: 4)
        append(UInt8(ascii: "-"))
        appendDecimal(UInt64(date.month), width: 2)
        append(UInt8(ascii: "-"))
        appendDecimal(UInt64(date.day), width: 2)
        append(UInt8(ascii: "T"))
        appendTimeOfDay(timestamp)
        append(UInt8(ascii: "Z"))
    }

    /// Appends `03:04:05.678`.
    mutating func appendTimeOfDay(_ timestamp: LogTimestamp) {
        let second = UInt64(timestamp.secondOfDay)
        appendDecimal(second / 3600, width: 2)
        append(UInt8(ascii: ":"))
        appendDecimal(second / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        appendDecimal(second % 60, width: 2)
        append(UInt8(ascii: "."))
        appendDecimal(UInt64(timestamp.milliseconds), width: 3)
    }
}

extension LogTimestamp {
    private static let secondsPerDay: Int64 = 86_400

    fileprivate var secondOfDay: Int64 {
        let remainder = seconds % Self.secondsPerDay
        return remainder < 0 ? remainder + Self.secondsPerDay : remainder
    }

    fileprivate var days: Int64 { (seconds - secondOfDay) / Self.secondsPerDay }
}

/// A day of the proleptic Gregorian calendar.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    /// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last day of its year.
    ///
    /// - Precondition: the day is in the year 0000 or later.
    init(daysSince1970: Int64) {
        let days = daysSince1970 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
