internal import RESP

/// Which masters a cluster has, and which slots they serve, as one of its nodes sees it.
struct ClusterTopology: Sendable, Hashable {
    /// Slots that one master serves.
    struct Assignment: Sendable, Hashable {
        var slots: ClosedRange<Int>
        var master: RedisEndpoint
    }

    private(set) var assignments: [Assignment] = []

    init(assignments: [Assignment]) {
        self.assignments = assignments
    }

    /// The masters that serve slots, each once.
    var masters: Set<RedisEndpoint> { Set(assignments.map(\.master)) }

    /// How many slots are served.
    var coveredCount: Int { assignments.reduce(0) { $0 + $1.slots.count } }
}

extension ClusterTopology {
    /// Reads the reply to `CLUSTER SHARDS`: <https://redis.io/docs/latest/commands/cluster-shards/>.
    ///
    /// - Parameters:
    ///   - askedHost: the host of the node that replied, which stands for itself where it does not know its name.
    ///   - isSecure: whether ports for TLS are wanted.
    /// - Returns: nil if it is no such reply.
    init?(shards reply: RESPValue, askedHost: String, isSecure: Bool) {
        guard let shards = reply.elements else { return nil }
        for shard in shards {
            guard let shard = shard.map, let slots = shard["slots"]?.elements, let nodes = shard["nodes"]?.elements
            else { return nil }
            // A master that the others have given up serves nothing; the failover names another.
            let masters = nodes.compactMap(\.map).filter {
                $0["role"]?.text == "master" && $0["health"]?.text != "fail"
            }
            guard let master = masters.first else { continue }
            let port = (isSecure ? master["tls-port"] : nil) ?? master["port"]
            guard let endpoint = Self.endpoint(master["endpoint"] ?? master["ip"], port, askedHost) else { return nil }
            for index in stride(from: 0, to: slots.count - slots.count % 2, by: 2) {
                guard let range = Self.range(slots[index], slots[index + 1]) else { return nil }
                assignments.append(Assignment(slots: range, master: endpoint))
            }
        }
    }

    /// Reads the reply to `CLUSTER SLOTS`, which servers before 7.0 have: <https://redis.io/docs/latest/commands/cluster-slots/>.
    ///
    /// - Parameter askedHost: the host of the node that replied, which stands for itself where it does not know its name.
    /// - Returns: nil if it is no such reply.
    init?(slots reply: RESPValue, askedHost: String) {
        guard let entries = reply.elements else { return nil }
        for entry in entries {
            guard let entry = entry.elements, entry.count >= 3, let range = Self.range(entry[0], entry[1]),
                let master = entry[2].elements, master.count >= 2,
                let endpoint = Self.endpoint(master[0], master[1], askedHost)
            else { return nil }
            assignments.append(Assignment(slots: range, master: endpoint))
        }
    }

    private static func range(_ first: RESPValue, _ last: RESPValue) -> ClosedRange<Int>? {
        guard let first = first.integer, let last = last.integer, first >= 0, first <= last, last < HashSlot.count
        else { return nil }
        return Int(first)...Int(last)
    }

    private static func endpoint(_ host: RESPValue?, _ port: RESPValue?, _ askedHost: String) -> RedisEndpoint? {
        guard let port = port?.integer, (1...65535).contains(port) else { return nil }
        let host = host?.text ?? ""
        return RedisEndpoint(host: host.isEmpty || host == "?" ? askedHost : host, port: Int(port))
    }
}
