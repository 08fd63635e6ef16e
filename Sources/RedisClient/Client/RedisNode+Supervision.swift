internal import NIOCore

extension RedisNode {
    /// Keeps the connections up until the task is cancelled or the node is stopped; then closes them and returns.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for slot in 0..<configuration.connectionCount { group.addTask { await self.supervise(slot) } }
            group.addTask { await self.watchCircuit() }
            group.addTask { for await _ in self.stopSignal {} }
            // The first to end is the wait for the stop, or all end because the task is cancelled.
            await group.next()
            markStopped()
            group.cancelAll()
        }
    }

    /// Keeps one connection up. A connection that is retired serves until another is there.
    private func supervise(_ slot: Int) async {
        // Boxed: an empty value has no address, and Thread Sanitizer looks at the one that `&` gives.
        var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
        var backoff = Backoff(policy: configuration.backoff)
        var current: RedisConnection?
        while !Task.isCancelled {
            do throws(RedisError) {
                let next = try await connector.connect()
                let start = ContinuousClock.now
                guard !Task.isCancelled, install(next, at: slot) else {
                    next.closeGracefully()
                    await next.waitUntilClosed()
                    break
                }
                current?.closeGracefully()
                current = next
                await withTaskCancellationHandler {
                    await next.waitUntilRetired()
                } onCancel: {
                    next.closeGracefully()
                }
                if ContinuousClock.now - start >= configuration.backoff.stableAfter { backoff.reset() }
            } catch {
                connectionFailed(at: slot, error)
            }
            if let reason = current?.closeReason {
                current = nil
                if !Task.isCancelled { connectionFailed(at: slot, reason) }
            }
            try? await Task.sleep(for: backoff.next(using: &generator))
        }
        current?.closeGracefully()
        await current?.waitUntilClosed()
    }

    /// While the circuit is open, probes when it is time.
    private func watchCircuit() async {
        for await _ in probeSignal {
            while !Task.isCancelled, let time = probeTime {
                let wait = time - .now()
                if wait > .nanoseconds(0) { try? await Task.sleep(for: .nanoseconds(wait.nanoseconds)) }
                await probe()
            }
        }
    }
}
