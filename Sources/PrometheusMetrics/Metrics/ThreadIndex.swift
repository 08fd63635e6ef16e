internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif
/// A small number for the calling thread, which says what shard it records into.
///
/// Threads are numbered as they come, so that few share a shard, and one that meets another moves on: those that record much soon have
/// shards of their own. The number lives in thread-specific data because Swift has no other way to keep a value for each thread.
enum ThreadIndex {
    /// Nil when the process has no key left; all threads then record into one shard.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    private static let next = Atomic<Int>(1)

    /// The number, in a few nanoseconds.
    @inline(__always)
    static var current: Int {
        guard let key else { return 0 }
        // A number in a pointer's clothes; it is never followed. Nil stands for a thread that has none yet.
        if let number = pthread_getspecific(key) { return Int(bitPattern: number) }
        return assign()
    }

    /// Gives the thread another number, because it has met somebody.
    @inline(never)
    static func advance() {
        _ = assign()
    }

    @inline(never)
    private static func assign() -> Int {
        guard let key else { return 0 }
        // Never zero: that is no number.
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue & 0xff_ffff | 0x100_0000
        return pthread_setspecific(key, UnsafeRawPointer(bitPattern: number)) == 0 ? number : 0
    }
}
