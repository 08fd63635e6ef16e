/// From digits to the coefficients of a transform's blocks.
struct DigitLoader {
    let digits: UnsafePointer<Int32>
    let coefficients: UnsafeMutablePointer<ComplexVector>
    let tables: TwiddleTables
    /// Coefficients in a block.
    let blockLength: Int
    /// Whether there are digits in the upper half of the polynomial, which is the imaginary part.
    let hasImaginaryPart: Bool

    /// Does it for the coefficients `lower ..< upper` of each block.
    func load(_ lower: Int, _ upper: Int) {
        let square = laneCount &* laneCount
        withUnsafeTemporaryAllocation(of: Vector.self, capacity: 4 &* square) { buffer in
            guard let re = buffer.baseAddress else { return }
            let im = re + 2 &* square
            var i = lower
            while i < upper {
                // Two vectors of digits of each run at a time: together they fill a cache line, of which there are too many to be kept.
                let count = min(laneCount, upper &- i)
                let count2 = min(laneCount, upper &- i &- count)
                var block = 0
                while block < laneCount {
                    let start = digits + (block &* blockLength &+ i)
                    splitRows(start, re + block &* laneCount, im + block &* laneCount)
                    if count2 > 0 {
                        splitRows(
                            start + laneCount,
                            re + square + block &* laneCount,
                            im + square + block &* laneCount
                        )
                    }
                    block &+= 1
                }
                splitColumns(i, count, re, im)
                splitColumns(i &+ laneCount, count2, re + square, im + square)
                i &+= 2 &* laneCount
            }
        }
    }

    /// Splits what is above the lanes; afterwards row t has a lane a lane of the block's coefficient i + t.
    @inline(__always)
    private func splitRows(
        _ start: UnsafePointer<Int32>,
        _ re: UnsafeMutablePointer<Vector>,
        _ im: UnsafeMutablePointer<Vector>
    ) {
        let laneLength = laneCount &* blockLength
        var lane = 0
        while lane < laneCount {
            re[lane] = Self.vector(at: start + lane &* laneLength)
            lane &+= 1
        }
        if hasImaginaryPart {
            lane = 0
            while lane < laneCount {
                im[lane] = Self.vector(at: start + (lane &+ laneCount) &* laneLength)
                lane &+= 1
            }
            var a = LaneTransform.rows(re, im)
            LaneTransform.split(&a, LaneTransform.rootsOfI)
            LaneTransform.setRows(re, im, a)
        } else {
            var a = Self.real(re, Vector(repeating: 0))
            LaneTransform.split(&a, LaneTransform.rootsOfI)
            LaneTransform.setRows(re, im, a)
        }
        transpose(re)
        transpose(im)
    }

    /// Splits the first levels below the lanes.
    @inline(__always)
    private func splitColumns(_ i: Int, _ count: Int, _ re: UnsafePointer<Vector>, _ im: UnsafePointer<Vector>) {
        let w = tables.firstLevels
        var t = 0
        while t < count {
            var a = columns(re + t, im + t)
            LaneTransform.split(&a, w)
            LaneTransform.scatter(a, coefficients + (i &+ t), blockLength)
            t &+= 1
        }
    }

    @inline(__always)
    private static func vector(at digits: UnsafePointer<Int32>) -> Vector {
        Vector(UnsafeRawPointer(digits).loadUnaligned(as: DigitVector.self))
    }

    @inline(__always)
    private static func real(_ re: UnsafePointer<Vector>, _ zero: Vector) -> LaneTuple {
        #if TRANSFORM_AVX512
            (
                ComplexVector(re[0], zero), ComplexVector(re[1], zero), ComplexVector(re[2], zero),
                ComplexVector(re[3], zero), ComplexVector(re[4], zero), ComplexVector(re[5], zero),
                ComplexVector(re[6], zero), ComplexVector(re[7], zero)
            )
        #else
            (
                ComplexVector(re[0], zero), ComplexVector(re[1], zero), ComplexVector(re[2], zero),
                ComplexVector(re[3], zero)
            )
        #endif
    }

    /// A coefficient of every block.
    @inline(__always)
    private func columns(_ re: UnsafePointer<Vector>, _ im: UnsafePointer<Vector>) -> LaneTuple {
        let h = laneCount
        #if TRANSFORM_AVX512
            return (
                ComplexVector(re[0], im[0]), ComplexVector(re[h], im[h]), ComplexVector(re[2 &* h], im[2 &* h]),
                ComplexVector(re[3 &* h], im[3 &* h]), ComplexVector(re[4 &* h], im[4 &* h]),
                ComplexVector(re[5 &* h], im[5 &* h]), ComplexVector(re[6 &* h], im[6 &* h]),
                ComplexVector(re[7 &* h], im[7 &* h])
            )
        #else
            return (
                ComplexVector(re[0], im[0]), ComplexVector(re[h], im[h]), ComplexVector(re[2 &* h], im[2 &* h]),
                ComplexVector(re[3 &* h], im[3 &* h])
            )
        #endif
    }
}
