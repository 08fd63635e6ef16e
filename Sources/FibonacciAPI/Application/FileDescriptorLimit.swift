#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The number of files and sockets that this process may have open.
enum FileDescriptorLimit {
    /// Raises the soft limit to the hard one, which is where the operator's decision stands.
    ///
    /// - Returns: the limit now, or nil if the system does not tell.
    static func raise() -> Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return nil }
        let soft = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = soft < limit.rlim_max && setrlimit(resource, &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_max : soft)
    }
}

/// How the connections that the system allows are shared between the two ports.
struct ConnectionShares: Equatable {
    /// Files and sockets that are no connections: standard streams, listeners, event loops, and some in reserve.
    static let reserve = 48

    /// The cap of the public port.
    var publicCap: Int
    /// The cap of the admin port: probes need few, and should never be without.
    var adminCap: Int

    /// Shares out `limit` descriptors, with at most `wanted` public connections.
    ///
    /// Without a descriptor for the next connection a listener would try to accept it over and over.
    init(wanted: Int, limit: Int?) {
        let limit = limit ?? .max
        adminCap = min(256, max(4, limit / 16))
        publicCap = max(1, min(wanted, limit - adminCap - Self.reserve))
    }
}
