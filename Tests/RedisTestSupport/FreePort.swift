import NIOCore
import NIOPosix
import Synchronization

/// Ports of the loopback interface.
package enum FreePort {
    /// This and the port of a cluster's bus are below those that systems give to outgoing connections.
    private static let next = Mutex(Int.random(in: 10_000..<22_000))

    /// A port on which nobody listens, nor on the one 10000 above it, which a cluster's node uses, too.
    package static func find() async throws -> Int {
        while true {
            let port = next.withLock {
                $0 += 1
                return $0
            }
            if await !isListening(port), await !isListening(port + 10_000) { return port }
        }
    }

    package static func isListening(_ port: Int) async -> Bool {
        let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try? await channel?.close().get()
        return channel != nil
    }
}
