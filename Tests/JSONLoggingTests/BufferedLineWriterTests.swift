import JSONLogging
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("A buffered line writer")
struct BufferedLineWriterTests {
    private let patience = Duration.seconds(20)

    @Test("writes lines in the order in which they were appended, each with one line break")
    func keepsOrder() throws {
        let pipe = try PipeFixture()
        let writer = try lineWriter(to: pipe)
        for number in 0..<2000 {
            #expect(writer.append(number.isMultiple(of: 2) ? "line \(number)" : "line \(number)\n"))
        }
        #expect(try pipe.readLines(2000) == (0..<2000).map { "line \($0)" })
        #expect(writer.shutdown(within: patience))
        #expect(writer.droppedLines == 0)
    }

    @Test("keeps each appender's order and never mixes lines of several")
    func keepsOrderOfManyAppenders() async throws {
        let pipe = try PipeFixture()
        let writer = try BufferedLineWriter(descriptor: pipe.writer, dropReport: plainReport)
        await withTaskGroup { group in
            for appender in 0..<8 {
                group.addTask {
                    for number in 0..<500 {
                        writer.append("\(appender) \(number)")
                    }
                }
            }
        }
        var next = [Int](repeating: 0, count: 8)
        for line in try pipe.readLines(4000) {
            let parts = line.split(separator: " ").compactMap { Int($0) }
            try #require(parts.count == 2 && next.indices.contains(parts[0]))
            #expect(parts[1] == next[parts[0]])
            next[parts[0]] += 1
        }
        #expect(writer.shutdown(within: patience))
    }

    @Test("writes the lines of one moment with one system call")
    func coalesces() throws {
        let pipe = try PipeFixture(keepingMessages: ())
        let writer = try BufferedLineWriter(descriptor: pipe.writer, linger: .seconds(3600), dropReport: plainReport)
        for number in 0..<5 {
            writer.append("\(number)")
        }
        #expect(writer.flush(within: patience))
        #expect(try pipe.readOnce() == Array("0\n1\n2\n3\n4\n".utf8))
        #expect(writer.shutdown(within: patience))
    }

    @Test("does not linger once its buffer is half full")
    func doesNotLingerWhenHalfFull() throws {
        let pipe = try PipeFixture()
        let writer = try BufferedLineWriter(
            descriptor: pipe.writer,
            capacity: 1000,
            linger: .seconds(3600),
            dropReport: plainReport
        )
        let line = String(repeating: "x", count: 99)
        for _ in 0..<5 {
            writer.append(line)
        }
        #expect(try pipe.readLine() == line)
        #expect(writer.shutdown(within: patience))
    }

    @Test("never blocks its callers when nobody reads; counts what it drops and says so when somebody does")
    func dropsWhenBlocked() throws {
        let pipe = try PipeFixture()
        let filled = pipe.fill()
        let writer = try BufferedLineWriter(
            descriptor: pipe.writer,
            capacity: 2000,
            linger: .zero,
            dropReport: plainReport
        )
        var accepted: [String] = []
        var dropped = 0
        for number in 0..<5000 {
            let line = "line \(number)"
            if writer.append(line) {
                accepted.append(line)
            } else {
                dropped += 1
            }
        }
        #expect(dropped > 0)
        #expect(writer.droppedLines == dropped)
        #expect(!writer.flush(within: .zero))

        try pipe.discard(filled)
        var written: [String] = []
        var reported = 0
        while reported < dropped || written.count < accepted.count {
            let line = try pipe.readLine()
            if line.hasPrefix("dropped ") {
                reported += Int(line.dropFirst(8)) ?? 0
            } else {
                written.append(line)
            }
        }
        #expect(written == accepted)
        #expect(reported == dropped)

        #expect(writer.append("again"))
        #expect(try pipe.readLine() == "again")
        #expect(writer.shutdown(within: patience))
    }

    @Test("drops a line that is longer than its buffer, and says so")
    func dropsWhatIsTooLong() throws {
        let pipe = try PipeFixture()
        let writer = try BufferedLineWriter(descriptor: pipe.writer, capacity: 100, dropReport: plainReport)
        #expect(!writer.append(String(repeating: "x", count: 100)))
        #expect(try pipe.readLine() == "dropped 1")
        #expect(writer.append(String(repeating: "x", count: 99)))
        #expect(try pipe.readLine().utf8.count == 99)
        #expect(writer.shutdown(within: patience))
    }

    @Test("waits for a descriptor that does not block until it takes more")
    func waitsForNonBlockingDescriptor() throws {
        let pipe = try PipeFixture()
        let filled = pipe.fill()
        pipe.setNonBlocking(true)
        let writer = try lineWriter(to: pipe)
        let long = String(repeating: "x", count: 300_000)
        writer.append(long)
        writer.append("last")
        #expect(!writer.flush(within: .milliseconds(20)))
        try pipe.discard(filled)
        #expect(try pipe.readLines(2) == [long, "last"])
        #expect(writer.shutdown(within: patience))
        #expect(writer.droppedLines == 0)
    }

    @Test("ends within its deadline when nobody reads, and once somebody does, ends properly")
    func shutdownHasDeadline() throws {
        let pipe = try PipeFixture()
        let filled = pipe.fill()
        let writer = try lineWriter(to: pipe)
        writer.append("stuck")
        let clock = ContinuousClock()
        let start = clock.now
        #expect(!writer.shutdown(within: .milliseconds(30)))
        let elapsed = clock.now - start
        #expect(elapsed >= .milliseconds(30))
        #expect(elapsed < .seconds(10))
        #expect(!writer.append("too late"))
        #expect(writer.droppedLines == 1)

        try pipe.discard(filled)
        #expect(try pipe.readLine() == "stuck")
        #expect(writer.shutdown(within: patience))
        #expect(writer.shutdown(within: .zero))
        #expect(writer.flush(within: .zero))
    }

    @Test("survives a reader that has gone, and reports its losses to the next one")
    func survivesBrokenPipe() throws {
        signal(SIGPIPE, SIG_DFL)
        let pipe = try PipeFixture()
        let writer = try lineWriter(to: pipe)
        pipe.closeReader()
        for number in 0..<3 {
            writer.append("line \(number)")
            #expect(writer.flush(within: patience))
        }
        #expect(writer.droppedLines == 3)

        let next = try PipeFixture()
        #expect(dup2(next.writer, pipe.writer) == pipe.writer)
        writer.append("back")
        #expect(try next.readLines(2) == ["dropped 3", "back"])
        #expect(writer.shutdown(within: patience))
    }

    @Test("begins a new line after an error in the middle of one")
    func separatesTornLine() throws {
        let pipe = try PipeFixture()
        let writer = try lineWriter(to: pipe)
        writer.append(String(repeating: "x", count: 500_000))
        _ = try pipe.readOnce()
        pipe.closeReader()
        #expect(writer.flush(within: patience))
        #expect(writer.droppedLines == 1)

        let next = try PipeFixture()
        #expect(dup2(next.writer, pipe.writer) == pipe.writer)
        writer.append("whole")
        #expect(try next.readLines(3) == ["", "dropped 1", "whole"])
        #expect(writer.shutdown(within: patience))
    }

    @Test("counts what comes for a descriptor that is not one")
    func countsBadDescriptor() throws {
        let writer = try BufferedLineWriter(descriptor: -1, dropReport: plainReport)
        writer.append("a")
        writer.append("b")
        #expect(writer.shutdown(within: patience))
        #expect(writer.droppedLines == 2)
    }

    @Test("writes what it holds when its last owner lets go of it")
    func drainsWhenReleased() throws {
        let pipe = try PipeFixture()
        do {
            let writer = try BufferedLineWriter(
                descriptor: pipe.writer,
                linger: .seconds(3600),
                dropReport: plainReport
            )
            writer.append("last words")
        }
        #expect(try pipe.readLine() == "last words")
    }

    @Test("writes what it holds at shutdown, without lingering")
    func drainsAtShutdown() throws {
        let pipe = try PipeFixture()
        let writer = try BufferedLineWriter(descriptor: pipe.writer, linger: .seconds(3600), dropReport: plainReport)
        writer.append("last words")
        #expect(writer.shutdown(within: patience))
        #expect(try pipe.readLine() == "last words")
    }

    @Test("reports in the format of the log", arguments: LineFormat.allCases)
    func reportsInFormat(_ format: LineFormat) {
        let report = format.dropReport(logger: "app") { LogTimestamp(seconds: 0) }
        let expected =
            switch format {
            case .json:
                #"{"timestamp":"1970-01-01T00:00:00.000Z","level":"warning","message":"log lines dropped","#
                    + #""logger":"app","dropped":7}"#
            case .text: "00:00:00.000 warning log lines dropped  dropped=7"
            }
        #expect(String(decoding: report(7), as: UTF8.self) == expected)
    }
}
