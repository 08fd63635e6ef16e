import NIOCore
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server with a name for its errors.
struct ListenerService: Service {
    let server: any Service
    let host: String
    let port: Int
    /// The setting that holds the port.
    let variable: String

    /// Serves until shutdown.
    ///
    /// - Throws: ``ListenError`` if the address cannot be listened on.
    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw ListenError(
                host: host,
                port: port,
                variable: variable,
                reason: String(cString: strerror(error.errnoCode))
            )
        } catch let error as SocketAddressError {
            throw ListenError(host: host, port: port, variable: variable, reason: "\(error)")
        }
    }
}

/// An address that the service cannot listen on.
package struct ListenError: Error, CustomStringConvertible {
    let host: String
    let port: Int
    let variable: String
    let reason: String

    /// One line with the address, the settings that name it and the system's reason.
    package var description: String {
        "cannot listen on \(host):\(port) (HOST, \(variable)): \(reason)"
    }
}
