/// The transform of one block, the products of its leaves and the way back, depth first: what has come into the cache is used up
/// before the next part is touched.
struct BlockWalk {
    let tables: TwiddleTables
    let leaves: LeafProducts
    let hasTwoFactors: Bool

    /// - Parameters:
    ///   - f: `leaves.length · 2^levels` coefficients, and as many at `g`.
    ///   - depth: Of the block's node in the tree.
    ///   - node: Its number at that depth.
    func visit(
        _ f: UnsafeMutablePointer<ComplexVector>,
        _ g: UnsafeMutablePointer<ComplexVector>,
        depth: Int,
        node: Int,
        levels: Int
    ) {
        switch levels {
        case 0:
            let root = tables.factor(depth: depth &- 1, node: node >> 1)
            if node & 1 == 0 {
                leaves.form(f, g, root: root)
            } else {
                leaves.form(f, g, root: ComplexVector(-root.re, -root.im))
            }
        case 1: visitChildren2(f, g, depth, node)
        case 2, 4: visitChildren4(f, g, depth, node, levels)
        default: visitChildren8(f, g, depth, node, levels)
        }
    }

    private func visitChildren2(
        _ f: UnsafeMutablePointer<ComplexVector>,
        _ g: UnsafeMutablePointer<ComplexVector>,
        _ depth: Int,
        _ node: Int
    ) {
        let h = leaves.length
        let w = tables.factor(depth: depth, node: node)
        Passes.split2(f, h, w)
        if hasTwoFactors { Passes.split2(g, h, w) }
        visit(f, g, depth: depth &+ 1, node: 2 &* node, levels: 0)
        visit(f + h, g + h, depth: depth &+ 1, node: 2 &* node &+ 1, levels: 0)
        Passes.merge2(f, h, w)
        if leaves.operation.hasTwoResults { Passes.merge2(g, h, w) }
    }

    private func visitChildren4(
        _ f: UnsafeMutablePointer<ComplexVector>,
        _ g: UnsafeMutablePointer<ComplexVector>,
        _ depth: Int,
        _ node: Int,
        _ levels: Int
    ) {
        let h = leaves.length << (levels &- 2)
        let first = tables.factor(depth: depth, node: node)
        let second = tables.factor(depth: depth &+ 1, node: 2 &* node)
        Passes.split4(f, h, first, second)
        if hasTwoFactors { Passes.split4(g, h, first, second) }
        var child = 0
        while child < 4 {
            visit(f + child &* h, g + child &* h, depth: depth &+ 2, node: 4 &* node &+ child, levels: levels &- 2)
            child &+= 1
        }
        Passes.merge4(f, h, first, second)
        if leaves.operation.hasTwoResults { Passes.merge4(g, h, first, second) }
    }

    private func visitChildren8(
        _ f: UnsafeMutablePointer<ComplexVector>,
        _ g: UnsafeMutablePointer<ComplexVector>,
        _ depth: Int,
        _ node: Int,
        _ levels: Int
    ) {
        let h = leaves.length << (levels &- 3)
        let w = tables.factors(depth: depth, node: node)
        Passes.split8(f, h, w)
        if hasTwoFactors { Passes.split8(g, h, w) }
        var child = 0
        while child < 8 {
            visit(f + child &* h, g + child &* h, depth: depth &+ 3, node: 8 &* node &+ child, levels: levels &- 3)
            child &+= 1
        }
        Passes.merge8(f, h, w)
        if leaves.operation.hasTwoResults { Passes.merge8(g, h, w) }
    }
}
