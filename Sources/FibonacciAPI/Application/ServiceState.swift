import Synchronization

/// Which part of its life the service is in, as `/readyz` tells.
final class ServiceState: Sendable {
    enum Phase: String, Sendable {
        /// Something that readiness needs is still missing.
        case starting
        case ready
        /// Still serving, but about to stop: balancers should go elsewhere.
        case draining
    }

    /// What has to be there before the service is ready.
    enum Milestone: CaseIterable, Sendable {
        case publicListener
        case adminListener
        case warmUp
        case rateLimiter
    }

    private struct State {
        var missing = Set(Milestone.allCases)
        var isDraining = false

        var phase: Phase { isDraining ? .draining : missing.isEmpty ? .ready : .starting }
    }

    private let state = Mutex(State())
    private let draining = Atomic(false)

    var phase: Phase { state.withLock { $0.phase } }

    /// Whether ``beginDraining()`` was called; without a lock, because every answer asks.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Notes that `milestone` is reached.
    ///
    /// - Returns: whether the service became ready by it.
    func reached(_ milestone: Milestone) -> Bool {
        state.withLock { state in
            state.missing.remove(milestone) != nil && state.phase == .ready
        }
    }

    func beginDraining() {
        state.withLock { $0.isDraining = true }
        draining.store(true, ordering: .relaxed)
    }
}
