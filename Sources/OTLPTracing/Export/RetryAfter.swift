/// The field `Retry-After`: RFC 9110, §10.2.3.
enum RetryAfter {
    /// How long to wait; nil if the value is malformed. A date in the past is no time at all.
    ///
    /// - Parameter now: seconds since 1970.
    static func delay(_ value: String, now: Int) -> Duration? {
        let text = Substring(FieldText.trimmed(value.utf8))
        if let seconds = number(text, digits: 1...9) { return .seconds(seconds) }
        return date(text).map { .seconds(max(0, $0 - now)) }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970 of the date format that is not obsolete: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: Substring) -> Int? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
            let day = number(parts[1], digits: 2...2), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])),
            let year = number(parts[3], digits: 4...4)
        else { return nil }
        let time = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3,
            let hour = number(time[0], digits: 2...2), hour < 24,
            let minute = number(time[1], digits: 2...2), minute < 60,
            let second = number(time[2], digits: 2...2), second <= 60
        else { return nil }
        return (days(year: year, month: month + 1, day: day) * 24 + hour) * 3600 + minute * 60 + second
    }

    /// Days since 1970 in the Gregorian calendar; years begin in March, so that a leap day comes last.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let month = month > 2 ? month - 3 : month + 9
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
