/// Chooses the algorithm for a product by the lengths of its operands.
///
/// This file is the one place that knows where one algorithm becomes faster than the next; the algorithms themselves
/// know nothing of each other, except that Karatsuba's comes back here for its halves.
///
/// | shorter operand, limbs | product | square |
/// |---|---|---|
/// | below the threshold | `Schoolbook` | `Schoolbook` |
/// | from the threshold on | `Karatsuba` | `Karatsuba` |
///
/// Whole numbers of more limbs than `TransformProduct.threshold` do not come here, unless the transform gives up on them.
package enum Multiplication {
    /// The length from which `Karatsuba.multiply` beats `Schoolbook.multiply`, in limbs.
    ///
    /// Measured on x86-64 with operands of 100 to 1500 limbs: times hardly differ for thresholds from 48 to 88, and grow
    /// by a sixth at 32.
    package static let karatsubaThreshold = 64

    /// The length from which `Karatsuba.square` beats `Schoolbook.square`, in limbs; measured likewise, and as flat
    /// from 64 to 128.
    package static let karatsubaSquareThreshold = 80

    /// Writes `a · b` for operands of any lengths but zero.
    /// - Precondition: `1 ≤ b.count ≤ a.count`; `product` holds `a.count + b.count` limbs, `workspace` at least
    ///   `workspaceCount(a.count, b.count)`; nothing overlaps.
    package static func multiply(_ a: LimbSource, _ b: LimbSource, into product: LimbTarget, workspace: LimbTarget) {
        if b.count < karatsubaThreshold {
            Schoolbook.multiply(a, b, into: product)
        } else if a.count == b.count {
            balanced(a, b, into: product, workspace: workspace)
        } else {
            unbalanced(a, b, into: product, workspace: workspace)
        }
    }

    /// Writes `a · b` for operands of the same length.
    static func balanced(_ a: LimbSource, _ b: LimbSource, into product: LimbTarget, workspace: LimbTarget) {
        if a.count < karatsubaThreshold {
            Schoolbook.multiply(a, b, into: product)
        } else {
            Karatsuba.multiply(a, b, into: product, workspace: workspace)
        }
    }

    /// Writes `a²`.
    /// - Precondition: `1 ≤ a.count`; `square` holds `2 · a.count` limbs, `workspace` at least
    ///   `squareWorkspaceCount(a.count)`; nothing overlaps.
    package static func square(_ a: LimbSource, into square: LimbTarget, workspace: LimbTarget) {
        if a.count < karatsubaSquareThreshold {
            Schoolbook.square(a, into: square)
        } else {
            Karatsuba.square(a, into: square, workspace: workspace)
        }
    }

    /// The limbs of work space that `multiply` needs for operands of these lengths, longer one first.
    package static func workspaceCount(_ a: Int, _ b: Int) -> Int {
        if b < karatsubaThreshold { return 0 }
        let balanced = Karatsuba.workspaceCount(b)
        if a == b { return balanced }
        let rest = a % b
        return 2 * b + max(balanced, rest == 0 ? 0 : workspaceCount(b, rest))
    }

    /// The limbs of work space that `square` needs for an operand of this length.
    package static func squareWorkspaceCount(_ a: Int) -> Int {
        a < karatsubaSquareThreshold ? 0 : Karatsuba.workspaceCount(a)
    }

    /// Cuts the longer operand into pieces as long as the shorter one, and what is left.
    private static func unbalanced(
        _ a: LimbSource,
        _ b: LimbSource,
        into product: LimbTarget,
        workspace: LimbTarget
    ) {
        let partial = workspace.extracting(..<(2 * b.count))
        let rest = workspace.extracting((2 * b.count)...)
        balanced(a.extracting(..<b.count), b, into: product.extracting(..<(2 * b.count)), workspace: rest)
        product.extracting((2 * b.count)...).update(repeating: 0)
        var start = b.count
        while start < a.count {
            let piece = a.extracting(start..<min(start + b.count, a.count))
            let term = partial.extracting(..<(piece.count + b.count))
            multiply(b, piece, into: term, workspace: rest)
            LimbArithmetic.add(LimbSource(term), to: product.extracting(start...))
            start += piece.count
        }
    }
}
