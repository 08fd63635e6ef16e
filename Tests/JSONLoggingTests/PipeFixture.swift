import JSONLogging

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct FixtureError: Error {
    let what: String
}

/// Two connected descriptors, closed at the end of the test; reads give up after a generous deadline.
final class PipeFixture {
    private(set) var reader: CInt
    let writer: CInt
    private var received: [UInt8] = []

    init() throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw FixtureError(what: "pipe: \(errno)") }
        (reader, writer) = (ends[0], ends[1])
    }

    /// A pair that keeps every write a message of its own.
    init(keepingMessages: Void) throws {
        var ends: [CInt] = [-1, -1]
        #if canImport(Glibc)
            let kind = CInt(SOCK_SEQPACKET.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw FixtureError(what: "socketpair: \(errno)") }
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        closeReader()
        close(writer)
    }

    func closeReader() {
        if reader >= 0 {
            close(reader)
        }
        reader = -1
    }

    func setNonBlocking(_ isNonBlocking: Bool) {
        let flags = fcntl(writer, F_GETFL)
        _ = fcntl(writer, F_SETFL, isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)
    }

    /// Writes until the pipe takes no more, and gives how many bytes that were.
    func fill() -> Int {
        setNonBlocking(true)
        defer { setNonBlocking(false) }
        let filler = [UInt8](repeating: UInt8(ascii: "#"), count: 4096)
        var total = 0
        for size in [4096, 1] {
            while true {
                let count = write(writer, filler, size)
                guard count > 0 else { break }
                total += count
            }
        }
        return total
    }

    /// What one read gives: in a pair that keeps messages, one of them.
    func readOnce() throws -> [UInt8] {
        var request = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 20_000) == 1 else { throw FixtureError(what: "nothing to read") }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = read(reader, &chunk, chunk.count)
        guard count >= 0 else { throw FixtureError(what: "read: \(errno)") }
        return Array(chunk[..<count])
    }

    /// Reads and forgets exactly `count` bytes.
    func discard(_ count: Int) throws {
        while received.count < count {
            received += try readOnce()
        }
        received.removeFirst(count)
    }

    /// The next line, without its line break.
    func readLine() throws -> String {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            let more = try readOnce()
            guard !more.isEmpty else { throw FixtureError(what: "the end came before a line did") }
            received += more
        }
    }

    func readLines(_ count: Int) throws -> [String] {
        try (0..<count).map { _ in try readLine() }
    }
}

/// A report that is easy to recognise.
let plainReport: BufferedLineWriter.DropReport = { Array("dropped \($0)".utf8) }

/// A writer to the pipe, for tests that look at lines and not at the writer.
func lineWriter(to pipe: PipeFixture) throws -> BufferedLineWriter {
    try BufferedLineWriter(descriptor: pipe.writer, linger: .zero, dropReport: plainReport)
}
