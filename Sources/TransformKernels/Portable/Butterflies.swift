/// Splits polynomials modulo x^{2h} − w² into ones modulo x^h − w and x^h + w: coefficients (a, b) become (a + w·b, a − w·b).
@inline(__always)
private func split(_ a: inout ComplexVector, _ b: inout ComplexVector, _ w: ComplexVector) {
    #if TRANSFORM_AVX512 || TRANSFORM_AVX2 || arch(arm64)
        let re = multiplySubtract(w.im, b.im, from: multiplyAdd(w.re, b.re, a.re))
        let im = multiplyAdd(w.im, b.re, multiplyAdd(w.re, b.im, a.im))
        // 2a − (a + w·b): six operations in all instead of eight.
        let two = Vector(repeating: 2)
        b = ComplexVector(multiplyAdd(a.re, two, -re), multiplyAdd(a.im, two, -im))
        a = ComplexVector(re, im)
    #else
        let t = w * b
        (a, b) = (a + t, a - t)
    #endif
}

/// The same with i·w in place of w.
@inline(__always)
private func splitTimesI(_ a: inout ComplexVector, _ b: inout ComplexVector, _ w: ComplexVector) {
    #if TRANSFORM_AVX512 || TRANSFORM_AVX2 || arch(arm64)
        let re = multiplySubtract(w.re, b.im, from: multiplySubtract(w.im, b.re, from: a.re))
        let im = multiplySubtract(w.im, b.im, from: multiplyAdd(w.re, b.re, a.im))
        let two = Vector(repeating: 2)
        b = ComplexVector(multiplyAdd(a.re, two, -re), multiplyAdd(a.im, two, -im))
        a = ComplexVector(re, im)
    #else
        let t = (w * b).timesI
        (a, b) = (a + t, a - t)
    #endif
}

/// Twice the inverse of `split`: (u, v) become (u + v, (u − v)/w).
@inline(__always)
private func merge(_ u: inout ComplexVector, _ v: inout ComplexVector, _ w: ComplexVector) {
    (u, v) = (u + v, (u - v).timesConjugate(w))
}

/// Twice the inverse of `splitTimesI`.
@inline(__always)
private func mergeTimesI(_ u: inout ComplexVector, _ v: inout ComplexVector, _ w: ComplexVector) {
    let t = (u - v).timesConjugate(w)
    u = u + v
    v = ComplexVector(t.im, -t.re)
}

/// The twiddle factors of up to three levels below one node of the transform's tree.
struct NodeTwiddles {
    /// Of the first level: a root of the node's constant.
    var first: ComplexVector
    /// Of the second level's first node; the second node's is i times it.
    var second: ComplexVector
    /// Of the third level's first node; the others' are i, e^{iπ/4} and e^{3iπ/4} times it.
    var third: ComplexVector
}

/// Eight coefficients through three levels.
@inline(__always)
func splitCoefficients(
    _ a:
        inout (
            ComplexVector, ComplexVector, ComplexVector, ComplexVector,
            ComplexVector, ComplexVector, ComplexVector, ComplexVector
        ),
    _ w: NodeTwiddles
) {
    split(&a.0, &a.4, w.first)
    split(&a.1, &a.5, w.first)
    split(&a.2, &a.6, w.first)
    split(&a.3, &a.7, w.first)
    split(&a.0, &a.2, w.second)
    split(&a.1, &a.3, w.second)
    splitTimesI(&a.4, &a.6, w.second)
    splitTimesI(&a.5, &a.7, w.second)
    let eighth = w.third.timesEighthRoot
    split(&a.0, &a.1, w.third)
    splitTimesI(&a.2, &a.3, w.third)
    split(&a.4, &a.5, eighth)
    splitTimesI(&a.6, &a.7, eighth)
}

/// Eight times its inverse.
@inline(__always)
func mergeCoefficients(
    _ a:
        inout (
            ComplexVector, ComplexVector, ComplexVector, ComplexVector,
            ComplexVector, ComplexVector, ComplexVector, ComplexVector
        ),
    _ w: NodeTwiddles
) {
    let eighth = w.third.timesEighthRoot
    merge(&a.0, &a.1, w.third)
    mergeTimesI(&a.2, &a.3, w.third)
    merge(&a.4, &a.5, eighth)
    mergeTimesI(&a.6, &a.7, eighth)
    merge(&a.0, &a.2, w.second)
    merge(&a.1, &a.3, w.second)
    mergeTimesI(&a.4, &a.6, w.second)
    mergeTimesI(&a.5, &a.7, w.second)
    merge(&a.0, &a.4, w.first)
    merge(&a.1, &a.5, w.first)
    merge(&a.2, &a.6, w.first)
    merge(&a.3, &a.7, w.first)
}

/// Four coefficients through two levels.
@inline(__always)
func splitCoefficients(
    _ a: inout (ComplexVector, ComplexVector, ComplexVector, ComplexVector),
    _ first: ComplexVector,
    _ second: ComplexVector
) {
    split(&a.0, &a.2, first)
    split(&a.1, &a.3, first)
    split(&a.0, &a.1, second)
    splitTimesI(&a.2, &a.3, second)
}

/// Four times its inverse.
@inline(__always)
func mergeCoefficients(
    _ a: inout (ComplexVector, ComplexVector, ComplexVector, ComplexVector),
    _ first: ComplexVector,
    _ second: ComplexVector
) {
    merge(&a.0, &a.1, second)
    mergeTimesI(&a.2, &a.3, second)
    merge(&a.0, &a.2, first)
    merge(&a.1, &a.3, first)
}

/// Two coefficients through one level.
@inline(__always)
func splitCoefficients(_ a: inout (ComplexVector, ComplexVector), _ first: ComplexVector) {
    split(&a.0, &a.1, first)
}

/// Twice its inverse.
@inline(__always)
func mergeCoefficients(_ a: inout (ComplexVector, ComplexVector), _ first: ComplexVector) {
    merge(&a.0, &a.1, first)
}
