#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A block of memory for a computation: from the system and back to it at once if it is large, so that a server does not keep what
/// one request needed; in huge pages if it is not very large, which saves most of the faults of touching it first.
final class WorkMemory {
    /// Where the block begins, aligned to a cache line at least.
    let base: UnsafeMutableRawPointer
    /// Its size in bytes.
    let byteCount: Int

    /// What was mapped: the block and, before it, what aligning it to a huge page took.
    private let mapping: UnsafeMutableRawBufferPointer?
    private static let threshold = 1 << 20
    private static let hugePage = 1 << 21
    private static let hugePageLimit = 64 << 20

    init(byteCount: Int) {
        self.byteCount = byteCount
        if byteCount >= Self.threshold, let mapping = Self.map(byteCount + Self.hugePage),
            let start = mapping.baseAddress
        {
            self.mapping = mapping
            base = start.alignedUp(toMultipleOf: Self.hugePage)
        } else {
            mapping = nil
            base = .allocate(byteCount: byteCount, alignment: 64)
        }
    }

    deinit {
        if let mapping {
            munmap(mapping.baseAddress, mapping.count)
        } else {
            base.deallocate()
        }
    }

    private static func map(_ byteCount: Int) -> UnsafeMutableRawBufferPointer? {
        let protection = PROT_READ | PROT_WRITE
        let flags = Int32(MAP_PRIVATE | MAP_ANONYMOUS)
        guard let start = mmap(nil, byteCount, protection, flags, -1, 0), start != MAP_FAILED else { return nil }
        #if os(Linux)
            // Only advice: without huge pages everything works as well, and slower. Large blocks do without: on a virtual machine whose host
            // takes free memory back it takes huge pages first, and a hundred megabytes of them took from 20 to 250 ms to have again.
            if byteCount <= hugePageLimit { madvise(start, byteCount, MADV_HUGEPAGE) }
        #endif
        return UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }
}
