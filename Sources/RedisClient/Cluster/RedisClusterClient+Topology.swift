internal import NIOCore
internal import RESP

extension RedisClusterClient {
    /// Looks at the topology at once, after each hint and from time to time, until the task is cancelled.
    func watchTopology() async {
        // Boxed: an empty value has no address, and Thread Sanitizer looks at the one that `&` gives.
        var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
        var backoff = Backoff(policy: configuration.backoff)
        let eventLoop = group.next()
        var next: Scheduled<Void>?
        defer { next?.cancel() }
        refreshRequester.yield()
        for await _ in refreshSignal {
            let isKnown = await refreshTopology()
            if isKnown { backoff.reset() }
            // A master that comes back is only found by looking.
            let interval = state.level == .connected ? configuration.timeouts.topologyRefresh : Self.impairedInterval
            let wait = isKnown ? interval : backoff.next(using: &generator)
            next?.cancel()
            next = eventLoop.scheduleTask(in: TimeAmount(wait)) { [refreshRequester] in
                refreshRequester.yield()
            }
            // A storm of hints is worth one look in a while, and less where looking fails.
            try? await Task.sleep(for: isKnown ? Self.shortestRefreshInterval : min(wait, Self.longestFailureInterval))
        }
    }

    private static var shortestRefreshInterval: Duration { .milliseconds(50) }
    private static var impairedInterval: Duration { .seconds(1) }
    private static var longestFailureInterval: Duration { .milliseconds(500) }
    /// As many nodes are asked at most for a view in which every slot is served.
    private static var askedNodes: Int { 4 }

    /// Asks nodes until one knows who serves every slot; else the best answer counts.
    ///
    /// - Returns: whether there was an answer.
    func refreshTopology() async -> Bool {
        var best: ClusterTopology?
        var failure: RedisError?
        for node in registry.candidates().suffix(Self.askedNodes) where best?.coveredCount != HashSlot.count {
            do throws(RedisError) {
                let topology = try await topology(from: node)
                if topology.coveredCount > (best?.coveredCount ?? 0) { best = topology }
            } catch {
                failure = error
            }
        }
        guard let best else {
            // A node that has just been learned of is being connected to: that is no failure yet.
            if let failure, failure.code != .notConnected || registry.seedHasFailed {
                registry.discoveryFailed(failure.description)
            }
            return false
        }
        registry.apply(best)
        return true
    }

    private func topology(from node: RedisNode) async throws(RedisError) -> ClusterTopology {
        let shards = try await ask(node, "SHARDS")
        if case .error(let error) = shards {
            // Servers before 7.0 know only the other command; a user may be allowed only one of them.
            guard ["ERR", "NOPERM"].contains(error.prefix) else { throw invalid(node, error.description) }
            let slots = try await ask(node, "SLOTS")
            if case .error(let error) = slots { throw invalid(node, error.description) }
            guard let topology = ClusterTopology(slots: slots, askedHost: node.endpoint.host) else {
                throw invalid(node, "the reply to CLUSTER SLOTS has another form than expected")
            }
            return topology
        }
        let topology = ClusterTopology(
            shards: shards,
            askedHost: node.endpoint.host,
            isSecure: configuration.tls != nil
        )
        guard let topology else {
            throw invalid(node, "the reply to CLUSTER SHARDS has another form than expected")
        }
        guard topology.coveredCount > 0 else { throw invalid(node, "it knows of no slots that are served") }
        return topology
    }

    private func ask(_ node: RedisNode, _ subcommand: RESPArgument) async throws(RedisError) -> RESPValue {
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeouts.probe)
        return try await node.perform([RedisCommand("CLUSTER", [subcommand])], deadline: deadline).get()[0]
    }

    private func invalid(_ node: RedisNode, _ message: String) -> RedisError {
        RedisError(.protocolViolation, "no topology: \(message)", endpoint: node.endpoint, command: "CLUSTER")
    }
}
