#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The place of a thread in the scheduler's order.
enum ThreadPriority {
    /// Puts the calling thread behind others that have work, so that event loops answer while computations fill every core.
    static func lower() {
        #if os(Linux)
            // On Linux a process identifier of zero means the calling thread here, not the process.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        #elseif canImport(Darwin)
            _ = pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0)
        #endif
    }
}
