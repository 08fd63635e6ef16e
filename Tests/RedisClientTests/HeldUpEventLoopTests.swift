import Foundation
import NIOCore
import NIOPosix
import RESP
import RedisClient
import RedisTestSupport
import TestSupport
import Testing

@Suite("An event loop that is held up")
struct HeldUpEventLoopTests {
    @Test("is not the server's fault: replies that came meanwhile are in time, and calls that wait are sent")
    func heldUp() async throws {
        let server = try await RedisServer()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = try RedisStandaloneClient(
            configuration: server.configuration,
            group: group,
            logger: LogRecorder().logger
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await client.run() }
            defer { tasks.cancelAll() }
            try await eventually("the client connects: \(client.state)") { client.state.level == .connected }
            for _ in 0..<10 {
                async let reply = client.send(.set("k", "v"), timeout: .milliseconds(20))
                // Before the call gets to the event loop, or after: both happen.
                group.next().execute { usleep(60_000) }
                #expect(try await reply.text == "OK")
            }
        }
        try await group.shutdownGracefully()
    }
}
