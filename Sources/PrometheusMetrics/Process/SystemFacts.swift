#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Constants of the machine.
enum SystemFacts {
    /// How many processors there are; at least one.
    static let processors = positive(sysconf(CInt(_SC_NPROCESSORS_ONLN))) ?? 1

    /// Bytes of a page of memory.
    static let pageSize = positive(sysconf(CInt(_SC_PAGESIZE))) ?? 4096

    /// Ticks a second of the clock in which the kernel counts.
    static let clockTicks = positive(sysconf(CInt(_SC_CLK_TCK))) ?? 100

    private static func positive(_ value: Int) -> Int? { value > 0 ? value : nil }
}
