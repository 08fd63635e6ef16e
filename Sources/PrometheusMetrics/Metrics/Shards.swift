/// Several slots for the same purpose, so that threads that record at the same time do not wait for each other.
///
/// A slot ends with ``Padding``: processors fetch cache lines in pairs, and neighbours must not share one.
///
/// The slots live behind a pointer because they hold atomics and locks, which must not move and which no array of the standard library
/// takes. The surface is safe: places are masked to the number of slots.
///
/// `@unchecked Sendable`: the pointer and the number are constants from `init` to `deinit`, the owner alone deallocates, and what is
/// behind the pointer is only borrowed and is `Sendable` itself.
struct Shards<Slot: ~Copyable & Sendable>: ~Copyable, @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Slot>
    private let mask: Int

    /// - Parameter count: rounded up to a power of two, at least 1 and at most 64.
    init(count: Int, _ make: () -> Slot) {
        var rounded = 1
        while rounded < min(count, 64) { rounded *= 2 }
        mask = rounded - 1
        slots = .allocate(capacity: rounded)
        for place in 0..<rounded { (slots + place).initialize(to: make()) }
    }

    deinit {
        slots.deinitialize(count: mask + 1)
        slots.deallocate()
    }

    /// Runs `body` with the calling thread's slot. Other threads may have it, too.
    @inline(__always)
    func withLocal<Result>(_ body: (borrowing Slot) -> Result) -> Result {
        body(slots[ThreadIndex.current & mask])
    }

    /// Runs `body` with every slot.
    func forEach(_ body: (borrowing Slot) -> Void) {
        for place in 0...mask { body(slots[place]) }
    }
}

/// 128 bytes that nobody writes, as long as two cache lines.
struct Padding: Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private let more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
}
