import RedisClient
import ServiceLifecycle

/// Tells when the first attempt to reach a Redis has ended, well or not, or has taken too long to wait for.
///
/// Until then every process would count budgets for itself.
struct FirstContactService: Service {
    private static let patience: Duration = .milliseconds(50)

    let client: any RedisCommanding
    let reached: @Sendable () -> Void

    func run() async throws {
        let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        client.onStateChange { _ in continuation.yield() }
        continuation.yield()
        await cancelWhenGracefulShutdown {
            await withTaskGroup { tasks in
                tasks.addTask { try? await Task.sleep(for: Self.patience) }
                tasks.addTask {
                    for await _ in changes where client.state.level != .starting { return }
                }
                await tasks.next()
                tasks.cancelAll()
            }
        }
        reached()
        try? await gracefulShutdown()
    }
}
