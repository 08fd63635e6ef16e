import Synchronization

/// Lets concurrent callers that want the same value share one production of it.
///
/// The first caller for a key starts a *flight*; those that come while it is under way wait for the same result. Callers
/// leave on their own: a cancelled caller gets `CancellationError` and the others are not disturbed. When the last one has
/// left, the production's task is cancelled, and a caller that comes later starts anew.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// How a caller came by its value.
    package enum Role: Sendable, Equatable {
        /// The caller started the production.
        case leader
        /// The caller joined a production that was under way.
        case follower
    }

    private struct Flight {
        let identity: UInt64
        var waiters: [UInt64: CheckedContinuation<Value, any Error>] = [:]
        var task: Task<Void, Never>?
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var nextIdentity: UInt64 = 0

        mutating func makeIdentity() -> UInt64 {
            nextIdentity += 1
            return nextIdentity
        }
    }

    private let state = Mutex(State())

    /// Makes one with nothing under way.
    package init() {}

    /// How many productions are under way.
    package var flightCount: Int { state.withLock { $0.flights.count } }

    /// How many callers wait for `key`.
    package func waiterCount(for key: Key) -> Int {
        state.withLock { $0.flights[key]?.waiters.count ?? 0 }
    }

    /// The value for `key`, from a flight that is under way or from `produce`.
    ///
    /// - Throws: what `produce` throws, to everyone who waits; `CancellationError` if the calling task is cancelled.
    package func value(
        for key: Key,
        produce: @escaping @Sendable (Key) async throws -> Value
    ) async throws -> (value: Value, role: Role) {
        let waiter = state.withLock { $0.makeIdentity() }
        var role = Role.leader
        let value = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                role = self.join(key, waiter: waiter, continuation: continuation, produce: produce)
                // A cancellation before the registration above found nobody to wake.
                if Task.isCancelled {
                    self.leave(key, waiter: waiter)
                }
            }
        } onCancel: {
            self.leave(key, waiter: waiter)
        }
        return (value, role)
    }

    private func join(
        _ key: Key,
        waiter: UInt64,
        continuation: CheckedContinuation<Value, any Error>,
        produce: @escaping @Sendable (Key) async throws -> Value
    ) -> Role {
        state.withLock { state in
            if state.flights[key] != nil {
                state.flights[key]?.waiters[waiter] = continuation
                return .follower
            }
            var flight = Flight(identity: state.makeIdentity())
            flight.waiters[waiter] = continuation
            let identity = flight.identity
            flight.task = Task {
                let result: Result<Value, any Error>
                do {
                    result = .success(try await produce(key))
                } catch {
                    result = .failure(error)
                }
                self.land(key, flight: identity, result: result)
            }
            state.flights[key] = flight
            return .leader
        }
    }

    private func leave(_ key: Key, waiter: UInt64) {
        let (continuation, abandoned) = state.withLock {
            state -> (CheckedContinuation<Value, any Error>?, Task<Void, Never>?) in
            guard let continuation = state.flights[key]?.waiters.removeValue(forKey: waiter) else { return (nil, nil) }
            guard state.flights[key]?.waiters.isEmpty == true else { return (continuation, nil) }
            return (continuation, state.flights.removeValue(forKey: key)?.task)
        }
        abandoned?.cancel()
        continuation?.resume(throwing: CancellationError())
    }

    private func land(_ key: Key, flight identity: UInt64, result: Result<Value, any Error>) {
        let waiters = state.withLock { state -> [UInt64: CheckedContinuation<Value, any Error>] in
            // An abandoned flight may land after another took its place.
            guard state.flights[key]?.identity == identity else { return [:] }
            return state.flights.removeValue(forKey: key)?.waiters ?? [:]
        }
        for continuation in waiters.values {
            continuation.resume(with: result)
        }
    }
}
