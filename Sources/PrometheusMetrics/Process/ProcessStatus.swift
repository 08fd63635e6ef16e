/// What `/proc/PID/stat` says (proc_pid_stat(5)).
struct ProcessStatus: Equatable {
    var threads: UInt64
    /// Ticks from the start of the system to that of the process.
    var startTicks: UInt64
    var virtualBytes: UInt64
    var residentPages: UInt64

    /// Nil when fields are missing or are no numbers.
    init?(_ text: [UInt8]) {
        // The second field is the program's name in parentheses; it may hold spaces and parentheses itself.
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
        // The first of these is the third of all.
        func number(_ field: Int) -> UInt64? {
            guard field - 3 < fields.count else { return nil }
            return UInt64(String(decoding: fields[field - 3], as: UTF8.self))
        }
        guard let threads = number(20), let startTicks = number(22), let virtualBytes = number(23),
            let residentPages = number(24)
        else { return nil }
        self.threads = threads
        self.startTicks = startTicks
        self.virtualBytes = virtualBytes
        self.residentPages = residentPages
    }

    /// When the system started, in seconds since 1970, from `/proc/stat`.
    static func bootTime(_ text: [UInt8]) -> UInt64? {
        for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: "btime ".utf8) {
            return UInt64(String(decoding: line.dropFirst("btime ".utf8.count), as: UTF8.self))
        }
        return nil
    }
}
