import Dispatch
import Logging
import NIOCore
import NIOPosix
import RESP
import RedisClient
import ServiceLifecycle

/// `bench-redis PORT get|set CALLERS REQUESTS BYTES`: so many tasks share one connection and send their requests one after the other. Prints
/// requests a second and latencies in microseconds as JSON; `bench_redis.py` measures the CPU time and the peer.
@main
struct BenchRedis {
    private struct Malformed: Error, CustomStringConvertible {
        let description = "usage: bench-redis PORT get|set CALLERS REQUESTS BYTES"
    }

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap(Int.init)
        guard numbers.count == 4, arguments.count == 5, let name = arguments.dropFirst().first,
            name == "get" || name == "set"
        else { throw Malformed() }
        var configuration = RedisConfiguration(endpoint: RedisEndpoint(host: "127.0.0.1", port: numbers[0]))
        configuration.timeouts.command = .seconds(10)
        let client = try RedisStandaloneClient(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        )
        let service = Task { await client.run() }
        let (connected, continuation) = AsyncStream.makeStream(of: Void.self)
        client.onStateChange { if $0.level == .connected { continuation.finish() } }
        if client.state.level == .connected { continuation.finish() }
        for await _ in connected {}

        let value = RESPArgument(ByteBuffer(repeating: 0x35, count: numbers[3]))
        _ = try await client.send(.set("bench", value))
        let command = name == "get" ? RedisCommand.get("bench") : .set("bench", value)
        let (callers, requests) = (numbers[1], numbers[2] / numbers[1])
        let start = DispatchTime.now().uptimeNanoseconds
        var latencies = try await withThrowingTaskGroup(of: [UInt64].self) { tasks in
            for _ in 0..<callers {
                tasks.addTask {
                    var latencies: [UInt64] = []
                    latencies.reserveCapacity(requests)
                    for _ in 0..<requests {
                        let sent = DispatchTime.now().uptimeNanoseconds
                        _ = try await client.send(command)
                        latencies.append(DispatchTime.now().uptimeNanoseconds - sent)
                    }
                    return latencies
                }
            }
            var all: [UInt64] = []
            for try await some in tasks { all += some }
            return all
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
        service.cancel()
        latencies.sort()
        let (median, p99) = (latencies[latencies.count / 2], latencies[latencies.count * 99 / 100])
        print(
            "{\"requests\":\(latencies.count),\"rate\":\(Int(Double(latencies.count) / seconds)),"
                + "\"p50\":\(Double(median) / 1e3),\"p99\":\(Double(p99) / 1e3)}"
        )
    }
}
