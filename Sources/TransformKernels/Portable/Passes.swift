/// Passes over the coefficients of one node: its polynomial of length `children · h` becomes those of its children, or back.
/// A coefficient is a `ComplexVector`; lanes belong to different transforms and never meet here.
enum Passes {
    @inline(__always)
    static func split8(_ p: UnsafeMutablePointer<ComplexVector>, _ h: Int, _ w: NodeTwiddles) {
        var i = 0
        while i < h {
            let q = p + i
            var a = (q[0], q[h], q[2 &* h], q[3 &* h], q[4 &* h], q[5 &* h], q[6 &* h], q[7 &* h])
            splitCoefficients(&a, w)
            (q[0], q[h], q[2 &* h], q[3 &* h]) = (a.0, a.1, a.2, a.3)
            (q[4 &* h], q[5 &* h], q[6 &* h], q[7 &* h]) = (a.4, a.5, a.6, a.7)
            i &+= 1
        }
    }

    @inline(__always)
    static func merge8(_ p: UnsafeMutablePointer<ComplexVector>, _ h: Int, _ w: NodeTwiddles) {
        var i = 0
        while i < h {
            let q = p + i
            var a = (q[0], q[h], q[2 &* h], q[3 &* h], q[4 &* h], q[5 &* h], q[6 &* h], q[7 &* h])
            mergeCoefficients(&a, w)
            (q[0], q[h], q[2 &* h], q[3 &* h]) = (a.0, a.1, a.2, a.3)
            (q[4 &* h], q[5 &* h], q[6 &* h], q[7 &* h]) = (a.4, a.5, a.6, a.7)
            i &+= 1
        }
    }

    @inline(__always)
    static func split4(
        _ p: UnsafeMutablePointer<ComplexVector>,
        _ h: Int,
        _ first: ComplexVector,
        _ second: ComplexVector
    ) {
        var i = 0
        while i < h {
            let q = p + i
            var a = (q[0], q[h], q[2 &* h], q[3 &* h])
            splitCoefficients(&a, first, second)
            (q[0], q[h], q[2 &* h], q[3 &* h]) = (a.0, a.1, a.2, a.3)
            i &+= 1
        }
    }

    @inline(__always)
    static func merge4(
        _ p: UnsafeMutablePointer<ComplexVector>,
        _ h: Int,
        _ first: ComplexVector,
        _ second: ComplexVector
    ) {
        var i = 0
        while i < h {
            let q = p + i
            var a = (q[0], q[h], q[2 &* h], q[3 &* h])
            mergeCoefficients(&a, first, second)
            (q[0], q[h], q[2 &* h], q[3 &* h]) = (a.0, a.1, a.2, a.3)
            i &+= 1
        }
    }

    @inline(__always)
    static func split2(_ p: UnsafeMutablePointer<ComplexVector>, _ h: Int, _ first: ComplexVector) {
        var i = 0
        while i < h {
            var a = (p[i], p[i &+ h])
            splitCoefficients(&a, first)
            (p[i], p[i &+ h]) = a
            i &+= 1
        }
    }

    @inline(__always)
    static func merge2(_ p: UnsafeMutablePointer<ComplexVector>, _ h: Int, _ first: ComplexVector) {
        var i = 0
        while i < h {
            var a = (p[i], p[i &+ h])
            mergeCoefficients(&a, first)
            (p[i], p[i &+ h]) = a
            i &+= 1
        }
    }
}
