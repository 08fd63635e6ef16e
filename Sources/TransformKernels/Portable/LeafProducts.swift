/// What is formed of two transforms f and g.
enum Operation: Int {
    /// f·g, in place of f.
    case product = 0
    /// f², in place of f.
    case square = 1
    /// f·(f + 2g) and f·(2f − g), in place of f and g.
    case doubling = 2
    /// f·(2f − g) and g·(2f − g), in place of f and g.
    case doublingMinusOne = 3
    /// f·(f + 2g), in place of f.
    case lastDoubling = 4
    /// f·(2f − g), in place of f.
    case lastDoublingMinusOne = 5

    /// Whether there are two results.
    @inline(__always)
    var hasTwoResults: Bool { self == .doubling || self == .doublingMinusOne }
}

/// Products of the polynomials that the transform leaves, each short and modulo x^length − root, by the schoolbook: cheaper than
/// the last levels of a transform would be, and it makes lengths between the powers of two.
struct LeafProducts {
    let length: Int
    let operation: Operation
    /// Copies of the factors, which the products replace: three of `length`.
    let scratch: UnsafeMutablePointer<ComplexVector>

    @inline(__always)
    func form(_ f: UnsafeMutablePointer<ComplexVector>, _ g: UnsafeMutablePointer<ComplexVector>, root: ComplexVector) {
        let (shared, first, second) = (scratch, scratch + length, scratch + 2 &* length)
        prepare(f, g, shared, first, second)
        if operation.hasTwoResults {
            multiply(shared, first, second, into: f, g, root)
        } else {
            multiply(shared, first, into: f, root)
        }
    }

    @inline(__always)
    private func prepare(
        _ f: UnsafeMutablePointer<ComplexVector>,
        _ g: UnsafeMutablePointer<ComplexVector>,
        _ shared: UnsafeMutablePointer<ComplexVector>,
        _ first: UnsafeMutablePointer<ComplexVector>,
        _ second: UnsafeMutablePointer<ComplexVector>
    ) {
        var i = 0
        switch operation {
        case .product:
            while i < length { (shared[i], first[i], i) = (f[i], g[i], i &+ 1) }
        case .square:
            while i < length { (shared[i], first[i], i) = (f[i], f[i], i &+ 1) }
        case .doubling:
            while i < length {
                let (a, b) = (f[i], g[i])
                (shared[i], first[i], second[i]) = (a, a + b + b, a + a - b)
                i &+= 1
            }
        case .doublingMinusOne:
            while i < length {
                let (a, b) = (f[i], g[i])
                (shared[i], first[i], second[i]) = (a + a - b, a, b)
                i &+= 1
            }
        case .lastDoubling:
            while i < length {
                let (a, b) = (f[i], g[i])
                (shared[i], first[i]) = (a, a + b + b)
                i &+= 1
            }
        case .lastDoublingMinusOne:
            while i < length {
                let (a, b) = (f[i], g[i])
                (shared[i], first[i]) = (a, a + a - b)
                i &+= 1
            }
        }
    }

    @inline(__always)
    private func multiply(
        _ a: UnsafeMutablePointer<ComplexVector>,
        _ b: UnsafeMutablePointer<ComplexVector>,
        into result: UnsafeMutablePointer<ComplexVector>,
        _ root: ComplexVector
    ) {
        let zero = Vector(repeating: 0)
        var k = 0
        while k < length {
            // Products that pass the end come back times the root.
            var wrapped = Accumulator(zero)
            var j = k &+ 1
            while j < length {
                wrapped.add(a[j], b[k &+ length &- j])
                j &+= 1
            }
            var sum = Accumulator(zero)
            sum.add(wrapped.value, root)
            j = 0
            while j <= k {
                sum.add(a[j], b[k &- j])
                j &+= 1
            }
            result[k] = sum.value
            k &+= 1
        }
    }

    @inline(__always)
    private func multiply(
        _ a: UnsafeMutablePointer<ComplexVector>,
        _ b: UnsafeMutablePointer<ComplexVector>,
        _ c: UnsafeMutablePointer<ComplexVector>,
        into first: UnsafeMutablePointer<ComplexVector>,
        _ second: UnsafeMutablePointer<ComplexVector>,
        _ root: ComplexVector
    ) {
        let zero = Vector(repeating: 0)
        var k = 0
        while k < length {
            var (wrapped1, wrapped2) = (Accumulator(zero), Accumulator(zero))
            var j = k &+ 1
            while j < length {
                let factor = a[j]
                wrapped1.add(factor, b[k &+ length &- j])
                wrapped2.add(factor, c[k &+ length &- j])
                j &+= 1
            }
            var (sum1, sum2) = (Accumulator(zero), Accumulator(zero))
            sum1.add(wrapped1.value, root)
            sum2.add(wrapped2.value, root)
            j = 0
            while j <= k {
                let factor = a[j]
                sum1.add(factor, b[k &- j])
                sum2.add(factor, c[k &- j])
                j &+= 1
            }
            first[k] = sum1.value
            second[k] = sum2.value
            k &+= 1
        }
    }
}

/// A sum of complex products in four sums of real ones, which do not wait for each other.
private struct Accumulator {
    var rere: Vector
    var imim: Vector
    var reim: Vector
    var imre: Vector

    @inline(__always)
    init(_ zero: Vector) {
        (rere, imim, reim, imre) = (zero, zero, zero, zero)
    }

    @inline(__always)
    mutating func add(_ a: ComplexVector, _ b: ComplexVector) {
        rere = multiplyAdd(a.re, b.re, rere)
        imim = multiplyAdd(a.im, b.im, imim)
        reim = multiplyAdd(a.re, b.im, reim)
        imre = multiplyAdd(a.im, b.re, imre)
    }

    @inline(__always)
    var value: ComplexVector { ComplexVector(rere - imim, reim + imre) }
}
