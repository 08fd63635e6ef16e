#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What this build is.
package enum BuildInformation {
    /// The program's name.
    package static let name = "fibonacci-api"
    /// The version of the release (Semantic Versioning).
    package static let version = "0.1.0"

    /// The commit that the image was built from, where the image says so in `FIBONACCI_API_COMMIT`.
    package static let commit: String? = getenv("FIBONACCI_API_COMMIT").map { String(cString: $0) }

    /// The compiler's version.
    package static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #else
            "6.3"
        #endif
    }
}
