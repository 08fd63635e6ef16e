/*
 * Tells Thread Sanitizer what `Mutex` does when threads meet.
 *
 * On Linux the fast paths of the standard library's Mutex are compiled into its callers, where the sanitizer sees their
 * atomics. The slow paths, which wait in a futex, are in the library, which is not instrumented: a thread that has waited
 * seems not to have locked anything. This program is correct, and the sanitizer calls it a race:
 *
 *     import Synchronization
 *     let counter = Mutex(0)
 *     await withTaskGroup { group in
 *         for _ in 0..<2 { group.addTask { for _ in 0..<1_000_000 { counter.withLock { $0 += 1 } } } }
 *     }
 *
 * A suppression would have to name whatever a Mutex guards, and would hide real races there. So these functions take
 * the place of the library's in a test binary, call them, and say what they order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK_SLOW);
SWIFT bool try_lock_slow(SELF void *mutex) __asm__(TRY_LOCK_SLOW);
SWIFT void unlock_slow(SELF void *mutex) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    SWIFT void (*library)(uint32_t, SELF void *) = dlsym(RTLD_NEXT, LOCK_SLOW);
    library(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT bool try_lock_slow(SELF void *mutex) {
    SWIFT bool (*library)(SELF void *) = dlsym(RTLD_NEXT, TRY_LOCK_SLOW);
    bool is_locked = library(mutex);
    if (is_locked) __tsan_acquire(mutex);
    return is_locked;
}

SWIFT void unlock_slow(SELF void *mutex) {
    SWIFT void (*library)(SELF void *) = dlsym(RTLD_NEXT, UNLOCK_SLOW);
    __tsan_release(mutex);
    library(mutex);
}
