/// Why a product by the transform was thrown away.
package struct TransformFault: Error, Hashable, CustomStringConvertible {
    /// What was seen.
    package enum Reason: Hashable, Sendable {
        /// A coefficient was farther from an integer than can be trusted.
        case rounding(distance: Double)
        /// A coefficient was too large to be told from its neighbours.
        case magnitude(Double)
        /// The product runs over its end.
        case overflow
        /// The product's residue modulo 2^61 − 1 is not that of its factors.
        case residue
    }

    /// What was seen.
    package let reason: Reason
    /// The digits of the base, 10^exponent.
    package let exponent: Int

    /// A part of a sentence for a log line.
    package var description: String {
        switch reason {
        case .rounding(let distance): "a coefficient in base 10^\(exponent) was \(distance) away from an integer"
        case .magnitude(let magnitude): "a coefficient in base 10^\(exponent) was as large as \(magnitude)"
        case .overflow: "a product in base 10^\(exponent) did not fit its transform"
        case .residue: "a product in base 10^\(exponent) has a wrong residue modulo 2^61 − 1"
        }
    }
}
