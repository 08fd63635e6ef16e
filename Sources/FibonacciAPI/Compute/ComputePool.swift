import NIOPosix
import ServiceLifecycle
import Synchronization

/// Runs heavy computations on threads of its own, away from event loops and the concurrency pool.
final class ComputePool: Service {
    /// The queue is full.
    struct Overloaded: Error, Equatable {
        /// Seconds until the present queue will have been worked off, at least 1.
        var retryAfter: Int
    }

    /// Tells a running computation that nobody waits for it any more.
    final class Cancellation: Sendable {
        private let flag = Atomic(false)

        /// Ends a computation that was given up.
        ///
        /// - Throws: `CancellationError`.
        func check() throws {
            if flag.load(ordering: .relaxed) { throw CancellationError() }
        }

        fileprivate func cancel() {
            flag.store(true, ordering: .relaxed)
        }
    }

    private struct State {
        var queue: ComputeQueue<@Sendable () -> Void>
        var idleThreads: Int
        /// Cost a second that one thread gets done: measured, and a cautious guess until then.
        var throughput = 100.0
    }

    private let threads: NIOThreadPool
    private let threadCount: Int
    private let state: Mutex<State>

    /// Makes a pool of `threads` threads, which start with ``run()``, and a queue of at most `maximumQueueCost` tokens.
    init(threads threadCount: Int, maximumQueueCost: Int) {
        self.threadCount = threadCount
        self.threads = NIOThreadPool(numberOfThreads: threadCount)
        self.state = Mutex(State(queue: ComputeQueue(maximumCost: maximumQueueCost), idleThreads: threadCount))
        threads.start()
    }

    /// The cost that waits for a thread.
    var queuedCost: Int { state.withLock { $0.queue.cost } }

    /// Keeps the threads until shutdown.
    func run() async throws {
        try? await gracefulShutdown()
        try await threads.shutdownGracefully()
    }

    /// The result of `work`, computed on one of the threads when its turn has come.
    ///
    /// If the calling task is cancelled, `work` is not begun, or its ``Cancellation`` says so.
    ///
    /// - Throws: ``Overloaded``, `CancellationError`, or what `work` throws.
    func run<Output: Sendable>(
        cost: Int,
        _ work: @escaping @Sendable (Cancellation) throws -> Output
    ) async throws -> Output {
        let cancellation = Cancellation()
        let ticket = Ticket<Output>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                ticket.wait(continuation)
                let admission = admit(cost: cost) {
                    ticket.resume(with: Result { try work(cancellation) })
                }
                switch admission {
                case .success(let identity): ticket.admitted(as: identity)
                case .failure(let error): ticket.resume(with: .failure(error))
                }
                // A cancellation before the admission above found nothing to take back.
                if Task.isCancelled {
                    withdraw(ticket, cancellation)
                }
            }
        } onCancel: {
            withdraw(ticket, cancellation)
        }
    }

    private func withdraw(_ ticket: Ticket<some Sendable>, _ cancellation: Cancellation) {
        cancellation.cancel()
        if let identity = ticket.identity, state.withLock({ $0.queue.remove(identity) }) {
            ticket.resume(with: .failure(CancellationError()))
        }
    }

    private func admit(cost: Int, _ job: @escaping @Sendable () -> Void) -> Result<UInt64, Overloaded> {
        let timed: @Sendable () -> Void = { [self] in
            let start = ContinuousClock.now
            job()
            finished(cost: cost, in: ContinuousClock.now - start)
        }
        return state.withLock { state in
            guard let identity = state.queue.enqueue(timed, cost: cost) else {
                let seconds = Double(state.queue.cost) / (state.throughput * Double(threadCount))
                return .failure(Overloaded(retryAfter: Int(min(60, max(1, seconds.rounded(.up))))))
            }
            if state.idleThreads > 0 {
                state.idleThreads -= 1
                threads.submit { [self] _ in workOff() }
            }
            return .success(identity)
        }
    }

    private func workOff() {
        ThreadPriority.lower()
        while let job = nextJob() {
            job()
        }
    }

    private func nextJob() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let job = state.queue.dequeue()
            if job == nil { state.idleThreads += 1 }
            return job
        }
    }

    private func finished(cost: Int, in duration: Duration) {
        let seconds = max(duration / .seconds(1), 1e-4)
        state.withLock { $0.throughput += (Double(cost) / seconds - $0.throughput) / 8 }
    }
}

/// Where the caller of a computation waits; resumed once, by whoever comes first.
private final class Ticket<Output: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Output, any Error>?
        var identity: UInt64?
    }

    private let state = Mutex(State())

    var identity: UInt64? { state.withLock { $0.identity } }

    func wait(_ continuation: CheckedContinuation<Output, any Error>) {
        state.withLock { $0.continuation = continuation }
    }

    func admitted(as identity: UInt64) {
        state.withLock { $0.identity = identity }
    }

    func resume(with result: Result<Output, any Error>) {
        let continuation = state.withLock { $0.continuation.take() }
        continuation?.resume(with: result)
    }
}
