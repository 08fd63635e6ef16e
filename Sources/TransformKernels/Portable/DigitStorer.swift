/// From the coefficients of a product back to digits, which are balanced: at most half of the base, give or take a few.
struct DigitStorer {
    let coefficients: UnsafePointer<ComplexVector>
    let digits: UnsafeMutablePointer<Int32>
    let tables: TwiddleTables
    /// Coefficients in a block.
    let blockLength: Int
    /// What a coefficient is to be multiplied by: one by the number of levels' factors.
    let scale: Double
    let base: Double

    /// Writes the digits from the coefficients `lower ..< upper` of each block.
    ///
    /// They form `2 · lanes²` runs of consecutive digits: of the real parts first, lane by lane, block by block. The carries of each run
    /// go their own way, a vector of runs at a time.
    ///
    /// - Parameter carries: Receives for each run what is to be added to the digit behind it.
    /// - Returns: The largest distance of a coefficient from an integer, and the largest magnitude of one.
    func store(_ lower: Int, _ upper: Int, carries: UnsafeMutablePointer<Int64>) -> (error: Double, magnitude: Double) {
        let square = laneCount &* laneCount
        return withUnsafeTemporaryAllocation(of: Vector.self, capacity: 4 &* square &+ 2 &* laneCount) { buffer in
            withUnsafeTemporaryAllocation(of: DigitVector.self, capacity: laneCount) { digitBuffer in
                guard let re = buffer.baseAddress, let digitRows = digitBuffer.baseAddress else { return (0, 0) }
                let im = re + 2 &* square
                let carriedRe = im + 2 &* square
                let carriedIm = carriedRe + laneCount
                carriedRe.update(repeating: Vector(repeating: 0), count: 2 &* laneCount)
                var watch = Watch(error: Vector(repeating: 0), magnitude: Vector(repeating: 0))
                var i = lower
                while i < upper {
                    // Two vectors of digits for each run at a time: together they fill a cache line, of which there are too many to be kept.
                    let count = min(laneCount, upper &- i)
                    let count2 = min(laneCount, upper &- i &- count)
                    mergeColumns(i, count, re, im)
                    mergeColumns(i &+ laneCount, count2, re + square, im + square)
                    var block = 0
                    while block < laneCount {
                        let (rowsRe, rowsIm) = (re + block &* laneCount, im + block &* laneCount)
                        let position = block &* blockLength &+ i
                        let positionIm = position &+ laneCount &* laneCount &* blockLength
                        mergeRows(rowsRe, rowsIm)
                        normalize(rowsRe, count, carried: &carriedRe[block], digitRows, &watch)
                        write(digitRows, count, at: position)
                        normalize(rowsIm, count, carried: &carriedIm[block], digitRows, &watch)
                        write(digitRows, count, at: positionIm)
                        if count2 > 0 {
                            mergeRows(rowsRe + square, rowsIm + square)
                            normalize(rowsRe + square, count2, carried: &carriedRe[block], digitRows, &watch)
                            write(digitRows, count2, at: position &+ laneCount)
                            normalize(rowsIm + square, count2, carried: &carriedIm[block], digitRows, &watch)
                            write(digitRows, count2, at: positionIm &+ laneCount)
                        }
                        block &+= 1
                    }
                    i &+= 2 &* laneCount
                }
                var isFinite = true
                for block in 0..<laneCount {
                    for lane in 0..<laneCount {
                        // A carry that is no integer shows what no comparison does: a coefficient that is no number.
                        let (real, imaginary) = (
                            Int64(exactly: carriedRe[block][lane]), Int64(exactly: carriedIm[block][lane])
                        )
                        isFinite = isFinite && real != nil && imaginary != nil
                        carries[lane &* laneCount &+ block] = real ?? 0
                        carries[square &+ lane &* laneCount &+ block] = imaginary ?? 0
                    }
                }
                return (watch.error.largestLane, isFinite ? watch.magnitude.largestLane : .infinity)
            }
        }
    }

    private struct Watch {
        var error: Vector
        var magnitude: Vector
    }

    /// Undoes the first levels below the lanes.
    @inline(__always)
    private func mergeColumns(
        _ i: Int,
        _ count: Int,
        _ re: UnsafeMutablePointer<Vector>,
        _ im: UnsafeMutablePointer<Vector>
    ) {
        let w = tables.firstLevels
        let h = laneCount
        var t = 0
        while t < count {
            var a = LaneTransform.gather(coefficients + (i &+ t), blockLength)
            LaneTransform.merge(&a, w)
            (re[t], re[h &+ t], re[2 &* h &+ t], re[3 &* h &+ t]) = (a.0.re, a.1.re, a.2.re, a.3.re)
            (im[t], im[h &+ t], im[2 &* h &+ t], im[3 &* h &+ t]) = (a.0.im, a.1.im, a.2.im, a.3.im)
            #if TRANSFORM_AVX512
                (re[4 &* h &+ t], re[5 &* h &+ t], re[6 &* h &+ t], re[7 &* h &+ t]) = (a.4.re, a.5.re, a.6.re, a.7.re)
                (im[4 &* h &+ t], im[5 &* h &+ t], im[6 &* h &+ t], im[7 &* h &+ t]) = (a.4.im, a.5.im, a.6.im, a.7.im)
            #endif
            t &+= 1
        }
    }

    /// Undoes the levels above the lanes. Rows are coefficients of the block before and after, with a lane for each run.
    @inline(__always)
    private func mergeRows(_ re: UnsafeMutablePointer<Vector>, _ im: UnsafeMutablePointer<Vector>) {
        transpose(re)
        transpose(im)
        var a = LaneTransform.rows(re, im)
        LaneTransform.merge(&a, LaneTransform.rootsOfI)
        LaneTransform.setRows(re, im, a)
        transpose(re)
        transpose(im)
    }

    /// Rounds consecutive coefficients of as many runs as there are lanes to integers, and these to digits.
    @inline(__always)
    private func normalize(
        _ rows: UnsafePointer<Vector>,
        _ count: Int,
        carried: inout Vector,
        _ digitRows: UnsafeMutablePointer<DigitVector>,
        _ watch: inout Watch
    ) {
        let (base, inverse) = (Vector(repeating: base), Vector(repeating: 1 / base))
        let shift = Vector(repeating: Vector.roundingShift)
        var carry = carried
        var (error, magnitude) = (watch.error, watch.magnitude)
        var t = 0
        while t < count {
            let x = rows[t] * scale
            let rounded = (x + shift) - shift
            error = error.maximum((x - rounded).magnitudes)
            magnitude = magnitude.maximum(x.magnitudes)
            let sum = rounded + carry
            carry = multiplyAdd(sum, inverse, shift) - shift
            digitRows[t] = multiplySubtract(carry, base, from: sum).digits
            t &+= 1
        }
        carried = carry
        watch = Watch(error: error, magnitude: magnitude)
    }

    /// Writes the digits of each run where they belong.
    @inline(__always)
    private func write(_ digitRows: UnsafeMutablePointer<DigitVector>, _ count: Int, at position: Int) {
        transposeDigits(digitRows)
        let laneLength = laneCount &* blockLength
        var lane = 0
        if count == laneCount {
            while lane < laneCount {
                let target = UnsafeMutableRawPointer(digits + (position &+ lane &* laneLength))
                target.storeBytes(of: digitRows[lane], as: DigitVector.self)
                lane &+= 1
            }
        } else {
            while lane < laneCount {
                digitRows[lane].write(count, to: digits + (position &+ lane &* laneLength))
                lane &+= 1
            }
        }
    }
}
