internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// e^{2πi·turns} for 0 ≤ turns < 1, to within an ulp: the angle is brought into the first octant before π comes in.
///
/// - Precondition: `8 · turns` is exact, as it is for dyadic fractions.
func rootOfUnity(turns: Double) -> (re: Double, im: Double) {
    let octant = Int(turns * 8)
    let rest = turns * 8 - Double(octant)
    let angle = (octant & 1 == 0 ? rest : 1 - rest) * (Double.pi / 4)
    let (c, s) = (cos(angle), sin(angle))
    let (x, y) = octant & 1 == 0 ? (c, s) : (s, c)
    return switch octant / 2 {
    case 0: (x, y)
    case 1: (-y, x)
    case 2: (-x, -y)
    default: (y, -x)
    }
}

/// e^{πi·v(j)} for j = 0, 1, 2, …, with the van der Corput sequence v: the twiddle factors of a transform in bit-reversed order.
///
/// The table for one length is the beginning of the table for any longer one, so there is one table, shared and immutable; a longer
/// one replaces it when it is needed.
final class RootTable: Sendable {
    /// No table gets longer: enough for F(10^10), 64 MB.
    static let maximumCount = 1 << 22

    /// How many roots there are.
    let count: Int
    // Proof: written in the initializer, before the table is shared, and only read afterwards.
    private nonisolated(unsafe) let storage: UnsafeMutablePointer<Double>

    /// Real and imaginary parts in turn.
    var pointer: UnsafePointer<Double> { UnsafePointer(storage) }

    private init(count: Int) {
        self.count = count
        storage = .allocate(capacity: 2 * count)
        for j in 0..<count {
            // The bits of j, mirrored at the binary point.
            var (mirrored, bits, step) = (0.0, j, 0.5)
            while bits > 0 {
                if bits & 1 != 0 { mirrored += step }
                bits >>= 1
                step /= 2
            }
            let root = rootOfUnity(turns: mirrored / 2)
            (storage[2 * j], storage[2 * j + 1]) = (root.re, root.im)
        }
    }

    deinit {
        storage.deallocate()
    }

    private static let shared = Mutex<RootTable?>(nil)

    /// A table of at least `count` roots.
    /// - Precondition: `count ≤ maximumCount`.
    static func table(count: Int) -> RootTable {
        precondition(count <= maximumCount, "the transform is too long")
        return shared.withLock { table in
            if let table, table.count >= count { return table }
            var size = 256
            while size < count { size *= 2 }
            let longer = RootTable(count: size)
            table = longer
            return longer
        }
    }
}

/// The part of the twiddle factors that depends on the lane and the depth, not on the node.
final class LevelTable: Sendable {
    private static let depths = 48
    // Proof: written in the initializer, before the table is shared, and only read afterwards.
    private nonisolated(unsafe) let storage: UnsafeMutablePointer<Double>

    /// For each depth the lanes' real parts, then their imaginary parts.
    var pointer: UnsafeRawPointer { UnsafeRawPointer(storage) }

    init(lanes: Int) {
        // Aligned for any vector, and for a cache line.
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: Self.depths * 2 * lanes * MemoryLayout<Double>.stride,
            alignment: 64
        )
        storage = bytes.bindMemory(to: Double.self, capacity: Self.depths * 2 * lanes)
        let laneBits = lanes.trailingZeroBitCount
        for depth in 0..<Self.depths {
            for lane in 0..<lanes {
                var mirrored = 0
                for bit in 0..<laneBits where lane >> bit & 1 != 0 { mirrored |= 1 << (laneBits - 1 - bit) }
                // The lane's polynomials are taken modulo x^… − e^{2πi·turns}.
                let turns = (0.25 + Double(mirrored)) / Double(lanes)
                let root = rootOfUnity(turns: turns / Double(sign: .plus, exponent: depth + 1, significand: 1))
                storage[(2 * depth) * lanes + lane] = root.re
                storage[(2 * depth + 1) * lanes + lane] = root.im
            }
        }
    }

    deinit {
        storage.deallocate()
    }
}
