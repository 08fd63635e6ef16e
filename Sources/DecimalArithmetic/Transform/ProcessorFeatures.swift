#if arch(x86_64)
    internal import CProcessorState
    internal import _Builtin_intrinsics.intel.cpuid

    /// What an x86-64 processor can do, and its operating system saves the registers for (Intel SDM volume 1, §14.3 and §15.2).
    struct ProcessorFeatures {
        /// All of x86-64-v3.
        let hasAVX2: Bool
        /// All of x86-64-v4.
        let hasAVX512: Bool

        init() {
            let basic = Self.leaf(1)
            let extended = Self.leaf(7)
            let advanced = Self.leaf(0x8000_0001)
            // OSXSAVE: without it XGETBV does not exist.
            let state = basic.ecx & 1 << 27 != 0 ? processor_state_components() : 0

            // FMA, SSE4.2 and what is below it, MOVBE, POPCNT, AVX, F16C.
            let ecx1: UInt32 = 1 << 12 | 1 << 20 | 1 << 19 | 1 << 9 | 1 << 22 | 1 << 23 | 1 << 28 | 1 << 29
            // BMI1, AVX2, BMI2.
            let ebx7: UInt32 = 1 << 3 | 1 << 5 | 1 << 8
            // LZCNT.
            let ecx81: UInt32 = 1 << 5
            hasAVX2 =
                basic.ecx & ecx1 == ecx1 && extended.ebx & ebx7 == ebx7 && advanced.ecx & ecx81 == ecx81
                && state & 0x06 == 0x06

            // AVX512 F, DQ, CD, BW, VL.
            let ebx7v4: UInt32 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31
            hasAVX512 = hasAVX2 && extended.ebx & ebx7v4 == ebx7v4 && state & 0xe6 == 0xe6
        }

        private static func leaf(_ number: UInt32) -> (ebx: UInt32, ecx: UInt32) {
            var (eax, ebx, ecx, edx): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
            return __get_cpuid_count(number, 0, &eax, &ebx, &ecx, &edx) != 0 ? (ebx, ecx) : (0, 0)
        }
    }
#endif
