#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes whole lines to a file descriptor, for as long as that takes.
struct LineOutput: ~Copyable {
    private let descriptor: CInt
    /// An error came in the middle of a line: the next one has to begin on a line of its own.
    private var isTorn = false

    init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// Writes `lines`, each with its line break.
    ///
    /// - Returns: How many of them an error kept from being written in full.
    mutating func write(_ lines: UnsafeRawBufferPointer) -> Int {
        if isTorn, !lines.isEmpty {
            let newline: [UInt8] = [UInt8(ascii: "\n")]
            guard newline.withUnsafeBytes({ writeAll($0) }) == 1 else { return Self.lineCount(lines) }
            isTorn = false
        }
        let written = writeAll(lines)
        guard written < lines.count else { return 0 }
        isTorn = written > 0 && lines[written - 1] != UInt8(ascii: "\n")
        return Self.lineCount(UnsafeRawBufferPointer(rebasing: lines[written...]))
    }

    /// Gives how many bytes were written before an error that is not a passing one.
    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int {
        var written = 0
        while written < bytes.count, let base = bytes.baseAddress {
            let count = systemWrite(descriptor, base + written, bytes.count - written)
            if count > 0 {
                written += count
                continue
            }
            guard count < 0 else { return written }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: waitUntilWritable()
            default: return written
            }
        }
        return written
    }

    /// An interruption or an error is for the `write(2)` that follows to find.
    private func waitUntilWritable() {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, -1)
    }

    private static func lineCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        bytes.reduce(into: 0) { count, byte in
            if byte == UInt8(ascii: "\n") {
                count += 1
            }
        }
    }
}

/// `write(2)` under a name that a method called `write` does not hide.
private func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
