/// Twiddle factors of every node of the transform's tree, as products of two small tables.
///
/// At depth d (counted below the lanes) node j splits with `levels[d] · roots[j]`: `levels[d]` differs from lane to lane,
/// `roots[j] = e^{πi·v(j)}` with the van der Corput sequence v (bits of j mirrored at the binary point), and serves every depth
/// and length.
struct TwiddleTables {
    let roots: UnsafePointer<Double>
    /// A `ComplexVector` for each depth.
    let levels: UnsafeRawPointer

    /// The lanes' own factors at a depth.
    @inline(__always)
    func level(_ depth: Int) -> ComplexVector {
        levels.load(fromByteOffset: depth &* MemoryLayout<ComplexVector>.stride, as: ComplexVector.self)
    }

    /// The factors of the first three levels below the lanes, which all lie in the tree's first nodes.
    @inline(__always)
    var firstLevels: NodeTwiddles { NodeTwiddles(first: level(0), second: level(1), third: level(2)) }

    @inline(__always)
    func factor(depth: Int, node: Int) -> ComplexVector {
        let root = ComplexVector(
            Vector(repeating: roots[2 &* node]),
            Vector(repeating: roots[2 &* node &+ 1])
        )
        return level(depth) * root
    }

    /// The factors of three levels below a node.
    @inline(__always)
    func factors(depth: Int, node: Int) -> NodeTwiddles {
        NodeTwiddles(
            first: factor(depth: depth, node: node),
            second: factor(depth: depth &+ 1, node: 2 &* node),
            third: factor(depth: depth &+ 2, node: 4 &* node)
        )
    }
}
