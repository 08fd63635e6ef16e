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

    /// A computation that waits for a thread.
    private struct Job: Sendable {
        let cost: Int
        /// Does the work and says whether it was done to its end.
        let run: @Sendable () -> Bool
        /// Tells the caller that it will not be done.
        let giveUp: @Sendable () -> Void
    }

    private struct State {
        var queue: ComputeQueue<Job>
        var idleThreads: Int
        var isStopped = false
        /// Cost a second that one thread gets done: measured, and a cautious guess until then.
        var throughput = 100.0
    }

    private let threads: NIOThreadPool
    /// How many threads there are.
    let threadCount: Int
    /// The most cost that may wait.
    let maximumQueueCost: Int
    private let onFinished: @Sendable (Duration) -> Void
    private let state: Mutex<State>

    /// Starts `threads` threads behind a queue of at most `maximumQueueCost` tokens. ``run()`` ends them at shutdown.
    ///
    /// - Parameter onFinished: is told how long each computation took that came to its end, on its thread.
    init(
        threads threadCount: Int,
        maximumQueueCost: Int,
        onFinished: @escaping @Sendable (Duration) -> Void = { _ in }
    ) {
        self.threadCount = threadCount
        self.maximumQueueCost = maximumQueueCost
        self.onFinished = onFinished
        self.threads = NIOThreadPool(numberOfThreads: threadCount)
        self.state = Mutex(State(queue: ComputeQueue(maximumCost: maximumQueueCost), idleThreads: threadCount))
        threads.start()
    }

    /// The cost that waits for a thread.
    var queuedCost: Int { state.withLock { $0.queue.cost } }

    /// Threads that are at work.
    var activeThreads: Int { state.withLock { threadCount - $0.idleThreads } }

    /// Keeps the threads until shutdown, then refuses work, gives up what waits, and lets what runs come to its end.
    func run() async throws {
        try? await gracefulShutdown()
        for job in stop() { job.giveUp() }
        try await threads.shutdownGracefully()
    }

    private func stop() -> [Job] {
        state.withLock { state in
            state.isStopped = true
            var waiting: [Job] = []
            while let job = state.queue.dequeue() { waiting.append(job) }
            return waiting
        }
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
        let job = Job(cost: cost) {
            let result = Result { try work(cancellation) }
            ticket.resume(with: result)
            if case .success = result { return true } else { return false }
        } giveUp: {
            ticket.resume(with: .failure(CancellationError()))
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                ticket.wait(continuation)
                switch admit(job) {
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

    private func admit(_ job: Job) -> Result<UInt64, Overloaded> {
        let (admission, needsThread) = state.withLock { state -> (Result<UInt64, Overloaded>, Bool) in
            guard !state.isStopped, let identity = state.queue.enqueue(job, cost: job.cost) else {
                let seconds = Double(state.queue.cost) / (state.throughput * Double(threadCount))
                return (.failure(Overloaded(retryAfter: Int(min(60, max(1, seconds.rounded(.up)))))), false)
            }
            guard state.idleThreads > 0 else { return (.success(identity), false) }
            state.idleThreads -= 1
            return (.success(identity), true)
        }
        // Not under the lock: a pool that has stopped calls back at once.
        if needsThread {
            threads.submit { [self] _ in workOff() }
        }
        return admission
    }

    private func workOff() {
        ThreadPriority.lower()
        while let job = nextJob() {
            let start = ContinuousClock.now
            if job.run() {
                finished(cost: job.cost, in: ContinuousClock.now - start)
            }
        }
    }

    private func nextJob() -> Job? {
        state.withLock { state in
            let job = state.queue.dequeue()
            if job == nil { state.idleThreads += 1 }
            return job
        }
    }

    private func finished(cost: Int, in duration: Duration) {
        onFinished(duration)
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
