#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where digits go: standard output or a file.
struct OutputFile {
    private let descriptor: Int32
    private let name: String

    /// Opens `path` for writing, in place of what it holds, or takes standard output.
    ///
    /// - Throws: ``CommandFailure`` with the reason of the system.
    init(path: String?) throws {
        guard let path else {
            (descriptor, name) = (STDOUT_FILENO, "standard output")
            return
        }
        name = "'\(path)'"
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw failure("open") }
    }

    /// Writes all of `bytes`.
    ///
    /// - Throws: ``CommandFailure`` with the reason of the system.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let written = systemWrite(descriptor, chunk.baseAddress, chunk.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("write")
            }
            rest = rest.dropFirst(written)
        }
    }

    /// Closes the file: some file systems report a failed write only now.
    ///
    /// - Throws: ``CommandFailure`` with the reason of the system.
    func close() throws {
        if descriptor != STDOUT_FILENO, systemClose(descriptor) != 0 { throw failure("close") }
    }

    private func failure(_ operation: String) -> CommandFailure {
        CommandFailure(code: EX_IOERR, message: "cannot \(operation) \(name): \(String(cString: strerror(errno)))")
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemClose(_ descriptor: Int32) -> Int32 {
    close(descriptor)
}
