/// The levels of the transform above the lanes and the first ones below them, for as many coefficients as there are lanes.
///
/// The length of a transform is lanes² · q. Above the lanes, the polynomial modulo x^{lanes²·q} − i is split into `lanes` ones
/// of lanes · q coefficients, one for each lane; these into `lanes` blocks of q coefficients each.
#if TRANSFORM_AVX512
    typealias LaneTuple = (
        ComplexVector, ComplexVector, ComplexVector, ComplexVector,
        ComplexVector, ComplexVector, ComplexVector, ComplexVector
    )
    let laneCount = 8
#else
    typealias LaneTuple = (ComplexVector, ComplexVector, ComplexVector, ComplexVector)
    let laneCount = 4
#endif

enum LaneTransform {
    /// The twiddle factors above the lanes: e^{iπ/4}, e^{iπ/8}, e^{iπ/16}, roots of i.
    @inline(__always)
    static var rootsOfI: NodeTwiddles {
        NodeTwiddles(
            first: constant(0.707_106_781_186_547_524_40, 0.707_106_781_186_547_524_40),
            second: constant(0.923_879_532_511_286_756_13, 0.382_683_432_365_089_771_73),
            third: constant(0.980_785_280_403_230_449_13, 0.195_090_322_016_128_267_85)
        )
    }

    @inline(__always)
    private static func constant(_ re: Double, _ im: Double) -> ComplexVector {
        ComplexVector(Vector(repeating: re), Vector(repeating: im))
    }

    @inline(__always)
    static func split(_ a: inout LaneTuple, _ w: NodeTwiddles) {
        #if TRANSFORM_AVX512
            splitCoefficients(&a, w)
        #else
            splitCoefficients(&a, w.first, w.second)
        #endif
    }

    @inline(__always)
    static func merge(_ a: inout LaneTuple, _ w: NodeTwiddles) {
        #if TRANSFORM_AVX512
            mergeCoefficients(&a, w)
        #else
            mergeCoefficients(&a, w.first, w.second)
        #endif
    }

    /// As many coefficients, a stride apart.
    @inline(__always)
    static func gather(_ p: UnsafePointer<ComplexVector>, _ h: Int) -> LaneTuple {
        #if TRANSFORM_AVX512
            (p[0], p[h], p[2 &* h], p[3 &* h], p[4 &* h], p[5 &* h], p[6 &* h], p[7 &* h])
        #else
            (p[0], p[h], p[2 &* h], p[3 &* h])
        #endif
    }

    @inline(__always)
    static func scatter(_ a: LaneTuple, _ p: UnsafeMutablePointer<ComplexVector>, _ h: Int) {
        (p[0], p[h], p[2 &* h], p[3 &* h]) = (a.0, a.1, a.2, a.3)
        #if TRANSFORM_AVX512
            (p[4 &* h], p[5 &* h], p[6 &* h], p[7 &* h]) = (a.4, a.5, a.6, a.7)
        #endif
    }

    /// As many coefficients from rows of real and imaginary parts.
    @inline(__always)
    static func rows(_ re: UnsafePointer<Vector>, _ im: UnsafePointer<Vector>) -> LaneTuple {
        #if TRANSFORM_AVX512
            (
                ComplexVector(re[0], im[0]), ComplexVector(re[1], im[1]), ComplexVector(re[2], im[2]),
                ComplexVector(re[3], im[3]), ComplexVector(re[4], im[4]), ComplexVector(re[5], im[5]),
                ComplexVector(re[6], im[6]), ComplexVector(re[7], im[7])
            )
        #else
            (
                ComplexVector(re[0], im[0]), ComplexVector(re[1], im[1]), ComplexVector(re[2], im[2]),
                ComplexVector(re[3], im[3])
            )
        #endif
    }

    @inline(__always)
    static func setRows(_ re: UnsafeMutablePointer<Vector>, _ im: UnsafeMutablePointer<Vector>, _ a: LaneTuple) {
        (re[0], re[1], re[2], re[3]) = (a.0.re, a.1.re, a.2.re, a.3.re)
        (im[0], im[1], im[2], im[3]) = (a.0.im, a.1.im, a.2.im, a.3.im)
        #if TRANSFORM_AVX512
            (re[4], re[5], re[6], re[7]) = (a.4.re, a.5.re, a.6.re, a.7.re)
            (im[4], im[5], im[6], im[7]) = (a.4.im, a.5.im, a.6.im, a.7.im)
        #endif
    }
}
