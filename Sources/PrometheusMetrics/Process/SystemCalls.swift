#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What the collector asks of the system.
enum SystemCalls {
    /// The first `limit` bytes of a file, or nil when it cannot be read.
    static func contents(of path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let result = bytes.withUnsafeMutableBytes { bytes in
                read(descriptor, bytes.baseAddress.map { $0 + count }, limit - count)
            }
            if result < 0, errno == EINTR { continue }
            guard result >= 0 else { return nil }
            if result == 0 { break }
            count += result
        }
        bytes.removeLast(limit - count)
        return bytes
    }

    /// The time that all threads have spent on processors, in seconds.
    static func processorTime() -> Double? {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// How many descriptors the process may open.
    static func descriptorLimit() -> Double? {
        var limits = rlimit()
        #if canImport(Glibc)
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return nil }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limits) == 0 else { return nil }
        #endif
        return Double(limits.rlim_cur)
    }

    #if os(Linux)
        /// How many descriptors are open.
        static func openDescriptors() -> Double? {
            let path = "/proc/self/fd"
            // Linux says so itself from 6.2 on; before, the size was zero.
            var status = stat()
            if stat(path, &status) == 0, status.st_size > 0 { return Double(status.st_size) }
            guard let directory = opendir(path) else { return nil }
            defer { closedir(directory) }
            var count = 0
            while let entry = readdir(directory) {
                if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
            }
            // One of them is the directory's own.
            return Double(max(0, count - 1))
        }
    #endif
}
