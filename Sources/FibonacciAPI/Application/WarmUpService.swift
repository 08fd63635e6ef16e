import ServiceLifecycle

/// Fills the memory tier with what is asked for most before the service is ready.
struct WarmUpService: Service {
    /// The indices that are warmed.
    static let indices = 0...99

    let source: FibonacciSource
    let reached: @Sendable () -> Void

    func run() async throws {
        try await source.warm(Self.indices)
        reached()
        try? await gracefulShutdown()
    }
}
