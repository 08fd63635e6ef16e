/// A complex number in each lane, real and imaginary parts in vectors of their own.
struct ComplexVector {
    var re: Vector
    var im: Vector

    @inline(__always)
    init(_ re: Vector, _ im: Vector) {
        self.re = re
        self.im = im
    }

    @inline(__always)
    static func + (a: ComplexVector, b: ComplexVector) -> ComplexVector {
        ComplexVector(a.re + b.re, a.im + b.im)
    }

    @inline(__always)
    static func - (a: ComplexVector, b: ComplexVector) -> ComplexVector {
        ComplexVector(a.re - b.re, a.im - b.im)
    }

    @inline(__always)
    static func * (a: ComplexVector, b: ComplexVector) -> ComplexVector {
        ComplexVector(
            multiplySubtract(a.im, b.im, from: a.re * b.re),
            multiplyAdd(a.re, b.im, a.im * b.re)
        )
    }

    /// The product with the conjugate of `b`.
    @inline(__always)
    func timesConjugate(_ b: ComplexVector) -> ComplexVector {
        ComplexVector(
            multiplyAdd(im, b.im, re * b.re),
            multiplySubtract(re, b.im, from: im * b.re)
        )
    }

    /// The product with i.
    @inline(__always)
    var timesI: ComplexVector { ComplexVector(-im, re) }

    /// The product with e^{iπ/4}.
    @inline(__always)
    var timesEighthRoot: ComplexVector {
        let half = Vector(repeating: 0.5.squareRoot())
        return ComplexVector((re - im) * half, (re + im) * half)
    }
}
