#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Reads files that fit memory many times over, at the start, where blocking does no harm.
enum SmallFile {
    static let limit = 64 << 10

    static func read(_ path: String) throws(SmallFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(code: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while content.count <= limit {
            let count = readChunk(descriptor, &chunk)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(code: errno) }
            if count == 0 { return content }
            content += chunk[..<count]
        }
        throw .tooLarge
    }

    private static func readChunk(_ descriptor: CInt, _ chunk: inout [UInt8]) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, &chunk, chunk.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, &chunk, chunk.count)
        #else
            Darwin.read(descriptor, &chunk, chunk.count)
        #endif
    }
}

/// Why a file could not be read.
enum SmallFileError: Error, CustomStringConvertible {
    case unreadable(code: CInt)
    case tooLarge

    var description: String {
        switch self {
        case .unreadable(let code): SystemErrorText.text(of: code)
        case .tooLarge: "larger than \(SmallFile.limit >> 10) KiB"
        }
    }
}

/// What the system calls its errors.
enum SystemErrorText {
    static func text(of code: CInt) -> String { String(cString: strerror(code)) }
}
