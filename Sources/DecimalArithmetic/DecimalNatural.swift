/// A natural number (zero included) held in base 10^18.
///
/// A binary big integer has to be converted before it can be printed, and for large numbers that conversion costs
/// many times the arithmetic that came before. Limbs of eighteen decimal digits make printing linear, and a limb still
/// fills 60 of its 64 bits, so little is lost in the arithmetic.
///
/// The value is immutable in meaning and copied lazily, as arrays are. Every operation gives the exact result at every
/// size; nothing rounds and nothing wraps.
public struct DecimalNatural: Sendable, Hashable {
    /// Little endian, each below 10^18, the last one not zero; empty for zero. One form a value makes `==` and
    /// `hash(into:)` those of the array.
    var limbs: [Limb]

    /// Takes limbs as they are.
    /// - Precondition: The limbs are in the one form that `limbs` describes.
    init(canonicalLimbs limbs: [Limb]) {
        assert(limbs.last != 0 && limbs.allSatisfy { $0 < DecimalBase.radix })
        self.limbs = limbs
    }

    /// Takes the limbs that a kernel writes to fresh memory, every one of them and each below 10^18; the most significant
    /// ones may be zero.
    package init(limbCount: Int, kernel: (LimbTarget) -> Void) {
        var limbs = [Limb](unsafeUninitializedCapacity: limbCount) { buffer, initializedCount in
            kernel(buffer.extracting(..<limbCount))
            initializedCount = limbCount
        }
        while limbs.last == 0 { limbs.removeLast() }
        self.init(canonicalLimbs: limbs)
    }

    /// The number zero.
    public static let zero = DecimalNatural(canonicalLimbs: [])

    /// Whether the number is zero.
    public var isZero: Bool { limbs.isEmpty }

    /// The number of base-10^18 digits: 0 for zero, otherwise ⌈`digitCount` / 18⌉.
    public var limbCount: Int { limbs.count }

    /// Adds the number's limbs to a list of them, the least significant first.
    package func appendLimbs(to list: inout [Limb]) {
        list += limbs
    }
}
