import NIOCore
import NIOPosix
import ServiceLifecycle

/// Event loops that end with the service. What uses them has to be listed behind it: services stop in reverse order.
struct EventLoopService: Service {
    let loops: MultiThreadedEventLoopGroup

    init(threads: Int) {
        loops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await loops.shutdownGracefully()
    }
}
