#ifndef PROCESSOR_STATE_H
#define PROCESSOR_STATE_H

#include <stdint.h>

/// The register states that the operating system saves: extended control register 0 (Intel SDM volume 1, §13.3).
///
/// Swift has no inline assembly, and the compiler's own function for this is a macro. Call it only if CPUID reports OSXSAVE.
#if defined(__x86_64__)
static inline uint64_t processor_state_components(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}
#endif

#endif
