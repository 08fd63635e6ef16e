internal import DecimalArithmetic

/// F(−1) … F(1023), ready to be copied: where all larger numbers begin. Some 60 kB, filled in once, by addition.
struct SmallNumbers {
    /// The largest index in the table.
    static let maximumIndex = 1_023

    static let table = SmallNumbers()

    /// The limbs of one number after the other.
    private let limbs: [Limb]
    /// Where each number's limbs begin, and where the last one's end.
    private let starts: [Int]
    /// The numbers modulo 2^61 − 1, by addition as well, of residues: what checks the limbs does not come from them.
    private let residues: [UInt64]

    private init() {
        var (limbs, starts, residues): ([Limb], [Int], [UInt64]) = ([], [0], [])
        var (number, next): (DecimalNatural, DecimalNatural) = (1, 0)
        var (residue, nextResidue): (UInt64, UInt64) = (1, 0)
        for _ in -1...Self.maximumIndex {
            number.appendLimbs(to: &limbs)
            starts.append(limbs.count)
            residues.append(residue)
            (number, next) = (next, number + next)
            (residue, nextResidue) = (nextResidue, Mersenne61.add(residue, nextResidue))
        }
        (self.limbs, self.starts, self.residues) = (limbs, starts, residues)
    }

    /// F(n).
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    func value(at n: Int) -> DecimalNatural {
        let range = starts[n + 1]..<starts[n + 2]
        return limbs.withUnsafeBufferPointer { all in
            DecimalNatural(limbCount: range.count) { _ = $0.update(fromContentsOf: all.extracting(range)) }
        }
    }

    /// F(n) and F(n − 1) modulo 2^61 − 1.
    @inline(__always)
    func residues(at n: Int) -> (current: UInt64, previous: UInt64) {
        (residues[n + 1], residues[n])
    }

    /// Writes the limbs of F(n) and of F(n − 1), this one with zeros up to the length of the other, which is returned.
    func writePair(at n: Int, _ current: LimbTarget, _ previous: LimbTarget) -> Int {
        let count = starts[n + 2] - starts[n + 1]
        limbs.withUnsafeBufferPointer { all in
            _ = current.update(fromContentsOf: all.extracting(starts[n + 1]..<starts[n + 2]))
            previous.extracting(..<count).update(repeating: 0)
            _ = previous.update(fromContentsOf: all.extracting(starts[n]..<starts[n + 1]))
        }
        return count
    }
}
