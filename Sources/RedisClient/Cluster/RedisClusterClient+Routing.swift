internal import NIOCore
internal import RESP

extension RedisClusterClient {
    /// Where a command's keys are.
    ///
    /// - Throws: that they are in several slots, or that nobody is known to serve theirs.
    private func target(of command: RedisCommand) throws(RedisError) -> RedisEndpoint {
        let slots = Set(command.keys.map { HashSlot.slot(of: $0) })
        guard slots.count <= 1 else {
            throw RedisError(
                .crossSlot,
                "not sent: its keys are in \(slots.count) slots, expected one; give them a common {hash tag}",
                command: command.name
            )
        }
        if let endpoint = registry.target(slot: slots.first) { return endpoint }
        refreshRequester.yield()
        let reason = state.reason ?? state.level.rawValue
        throw RedisError(
            .slotUncovered,
            "not sent: no node is known that serves slot \(slots.first.map(String.init) ?? "any"): \(reason)",
            command: command.name
        )
    }

    /// Sends one command to where it belongs.
    func route(_ command: RedisCommand, deadline: NIODeadline) async -> Result<RESPValue, RedisError> {
        let endpoint: RedisEndpoint
        let outcome: PendingCall.Outcome
        do throws(RedisError) {
            endpoint = try target(of: command)
            outcome = await attempt([command], at: endpoint, deadline: deadline)
        } catch {
            return .failure(error)
        }
        return await follow(command, from: endpoint, outcome.map { $0[0] }, deadline: deadline)
    }

    /// Sends commands, those for one node together, and then each that was redirected by itself, in order.
    func route(_ commands: [RedisCommand], deadline: NIODeadline) async -> [Result<RESPValue, RedisError>] {
        let unset = RedisError(.invalidCall, "no result")
        var results = [Result<RESPValue, RedisError>](repeating: .failure(unset), count: commands.count)
        var positions: [RedisEndpoint: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            do throws(RedisError) {
                positions[try target(of: command), default: []].append(index)
            } catch {
                results[index] = .failure(error)
            }
        }
        await withTaskGroup(of: [(Int, Result<RESPValue, RedisError>)].self) { group in
            for (endpoint, indices) in positions {
                group.addTask {
                    await self.route(indices.map { ($0, commands[$0]) }, to: endpoint, deadline: deadline)
                }
            }
            for await part in group {
                for (index, result) in part { results[index] = result }
            }
        }
        return results
    }

    private func route(
        _ commands: [(index: Int, command: RedisCommand)],
        to endpoint: RedisEndpoint,
        deadline: NIODeadline
    ) async -> [(Int, Result<RESPValue, RedisError>)] {
        let outcome = await attempt(commands.map(\.command), at: endpoint, deadline: deadline)
        var results: [(Int, Result<RESPValue, RedisError>)] = []
        for (position, (index, command)) in commands.enumerated() {
            let first = outcome.map { $0[position] }
            results.append((index, await follow(command, from: endpoint, first, deadline: deadline)))
        }
        return results
    }

    /// Follows redirections from a first attempt to the end.
    private func follow(
        _ command: RedisCommand,
        from endpoint: RedisEndpoint,
        _ first: Result<RESPValue, RedisError>,
        deadline: NIODeadline
    ) async -> Result<RESPValue, RedisError> {
        var journey = ClusterJourney(maximumAttempts: configuration.limits.clusterAttempts)
        var (endpoint, outcome) = (endpoint, first)
        while true {
            let decision = journey.next(after: ClusterJourney.Outcome(outcome), at: endpoint)
            if let move = decision.move { registry.apply(move) }
            if decision.needsRefresh { refreshRequester.yield() }
            switch decision.step {
            case .finish:
                return outcome.flatMap { $0.result(of: command, endpoint: endpoint) }.named(command)
            case .giveUp:
                let last = outcome.flatMap { $0.result(of: command, endpoint: endpoint) }
                return .failure(tooManyAttempts(command, endpoint, last))
            case .resend(let target, let isAsking, let wait):
                if wait > .zero, await !pause(wait, until: deadline) { return .failure(expired(command, endpoint)) }
                endpoint = target
                outcome = await attempt(
                    [command],
                    at: endpoint,
                    isAsking: isAsking,
                    isRedirection: true,
                    deadline: deadline
                ).map { $0[0] }
            }
        }
    }

    private func attempt(
        _ commands: [RedisCommand],
        at endpoint: RedisEndpoint,
        isAsking: Bool = false,
        isRedirection: Bool = false,
        deadline: NIODeadline
    ) async -> PendingCall.Outcome {
        do throws(RedisError) {
            let node = try registry.node(at: endpoint, isRedirection: isRedirection)
            return await node.perform(commands, isAsking: isAsking, deadline: deadline)
        } catch {
            return .failure(error)
        }
    }

    /// Waits, if the time is there.
    ///
    /// - Returns: whether it was, and the task is not cancelled.
    private func pause(_ duration: Duration, until deadline: NIODeadline) async -> Bool {
        guard NIODeadline.now() + TimeAmount(duration) < deadline else { return false }
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }

    private func expired(_ command: RedisCommand, _ endpoint: RedisEndpoint) -> RedisError {
        Task.isCancelled
            ? RedisError(.cancelled, "the task was cancelled", endpoint: endpoint, command: command.name)
            : RedisError(.timeout, "the cluster was not ready in time", endpoint: endpoint, command: command.name)
    }

    private func tooManyAttempts(
        _ command: RedisCommand,
        _ endpoint: RedisEndpoint,
        _ last: Result<RESPValue, RedisError>
    ) -> RedisError {
        var cause: RedisError?
        if case .failure(let error) = last { cause = error }
        return RedisError(
            .tooManyRedirections,
            "gave up after \(configuration.limits.clusterAttempts) attempts: \(cause?.message ?? "")",
            endpoint: endpoint,
            command: command.name,
            cause: cause
        )
    }
}

extension ClusterJourney.Outcome {
    init(_ outcome: Result<RESPValue, RedisError>) {
        switch outcome {
        case .success(.error(let error)): self = .refused(RedisReplyCode(error))
        case .success: self = .value
        case .failure(let error): self = .failed(error.code)
        }
    }
}

extension Result<RESPValue, RedisError> {
    /// With the command's name in the error.
    fileprivate func named(_ command: RedisCommand) -> Self {
        mapError { error in
            var error = error
            error.command = command.name
            return error
        }
    }
}
