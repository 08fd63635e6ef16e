/// Which master serves which slot; looking one up takes constant time.
struct SlotMap: Sendable {
    private static let nobody = UInt16.max

    private var masters: [RedisEndpoint] = []
    /// For each slot a position in `masters`.
    private var owners = [UInt16](repeating: Self.nobody, count: HashSlot.count)

    init(_ topology: ClusterTopology) {
        for assignment in topology.assignments {
            let owner = index(of: assignment.master)
            for slot in assignment.slots { owners[slot] = owner }
        }
    }

    /// Who serves `slot`, if anybody is known to.
    subscript(slot: Int) -> RedisEndpoint? {
        let owner = owners[slot]
        return owner == Self.nobody ? nil : masters[Int(owner)]
    }

    /// A node said that `slot` has moved.
    mutating func move(_ slot: Int, to endpoint: RedisEndpoint) {
        owners[slot] = index(of: endpoint)
    }

    /// How many slots nobody serves; linear in the number of slots.
    var uncoveredCount: Int { owners.count { $0 == Self.nobody } }

    /// The position of a master, which is added if it is new. A cluster has at most as many masters as slots; what nodes name beyond
    /// that serves nothing.
    private mutating func index(of endpoint: RedisEndpoint) -> UInt16 {
        if let index = masters.firstIndex(of: endpoint) { return UInt16(index) }
        guard masters.count < HashSlot.count else { return Self.nobody }
        masters.append(endpoint)
        return UInt16(masters.count - 1)
    }
}
