#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// State behind a lock, and a way to wait, with a deadline, until it has changed.
///
/// `Mutex` has no condition to wait on, hence the POSIX pair.
///
/// `@unchecked Sendable`: `state` is private and touched only in `withLock`, between locking and unlocking; the two
/// POSIX objects are made to be shared and keep one address from `init` to `deinit`.
final class Monitor<State: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: consuming State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            // A deadline must not move when somebody sets the wall clock.
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with the state, alone.
    @inline(__always)
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Waits until `predicate` holds, then runs `body` before anybody else sees the state.
    ///
    /// - Returns: What `body` gives, or nil when the deadline came first.
    func withLock<Result>(
        when predicate: (inout State) -> Bool,
        before deadline: MonotonicInstant? = nil,
        _ body: (inout State) -> Result
    ) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !predicate(&state) {
            if let deadline {
                guard waitOnce(until: deadline) else {
                    return predicate(&state) ? body(&state) : nil
                }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
        return body(&state)
    }

    /// Wakes everybody who waits. Call it without the lock: who wakes then finds it free.
    func notify() {
        pthread_cond_broadcast(condition)
    }

    /// Gives false when the deadline has passed.
    private func waitOnce(until deadline: MonotonicInstant) -> Bool {
        #if canImport(Darwin)
            var remaining = deadline.remaining
            return pthread_cond_timedwait_relative_np(condition, mutex, &remaining) != ETIMEDOUT
        #else
            var time = deadline.time
            return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
        #endif
    }
}

/// An instant of the clock that nobody sets.
struct MonotonicInstant {
    let time: timespec

    /// `duration` from now; the past for a negative one, about thirty years for a very long one.
    init(after duration: Duration) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = max(duration, .zero).components
        let nanoseconds = Int(now.tv_nsec) + Int(attoseconds / 1_000_000_000)
        time = timespec(
            tv_sec: now.tv_sec + Int(min(seconds, 1_000_000_000)) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }

    /// How long it is until then, zero when it has passed.
    var remaining: timespec {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let nanoseconds = (time.tv_sec - now.tv_sec) * 1_000_000_000 + time.tv_nsec - now.tv_nsec
        let rest = max(nanoseconds, 0)
        return timespec(tv_sec: rest / 1_000_000_000, tv_nsec: rest % 1_000_000_000)
    }
}
