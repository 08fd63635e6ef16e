/// When a batch is tried again.
struct RetryPolicy: Sendable, Hashable {
    /// The longest first wait.
    var base: Duration = .seconds(1)
    /// The longest wait that a collector has not asked for.
    var maximum: Duration = .seconds(10)
    /// The most attempts on one batch.
    var attempts = 6

    /// How long to wait after the attempt that has failed, or nil to give up.
    ///
    /// A random half to whole of a limit that doubles each time; not sooner than the collector asks for.
    ///
    /// - Parameters:
    ///   - attempt: attempts so far, at least 1.
    ///   - requested: what the collector asked for.
    ///   - remaining: how much time is left for the batch; a wait that is as long is given up at once.
    func wait(
        afterAttempt attempt: Int,
        requested: Duration?,
        remaining: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard attempt < attempts else { return nil }
        let limit = min(base * (1 << min(attempt - 1, 20)), maximum)
        let own = limit * Double.random(in: 0.5...1, using: &generator)
        let wait = max(own, requested ?? .zero)
        return wait < remaining ? wait : nil
    }
}
