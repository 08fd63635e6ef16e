/// The upper bounds of a histogram's buckets, each inclusive; the last bucket, without a bound, is always there.
package struct PrometheusBuckets: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// Bounds in ascending order, finite and each once.
    package let bounds: [Double]
    /// The label of each bucket as it is shown, the last one's included.
    let labels: [[UInt8]]

    /// Sorts `bounds`; repeated ones, infinities and NaN are left out.
    package init(_ bounds: [Double]) {
        var kept: [Double] = []
        // Zero has two forms, which would be two texts for the same bound.
        for bound in bounds.filter(\.isFinite).map({ $0 == 0 ? 0 : $0 }).sorted() where bound != kept.last {
            kept.append(bound)
        }
        self.bounds = kept
        labels = (kept + [.infinity]).map { Array("le=\"\(NumberText.bound($0))\"".utf8) }
    }

    /// Bounds as they are written.
    package init(arrayLiteral elements: Double...) {
        self.init(elements)
    }

    /// Half a millisecond to ten seconds, in seconds: what a server's requests take.
    package static let durations: Self = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// One to a million, three for each power of ten: for what nothing is known about.
    package static let values: Self = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
    ]

    /// 100 bytes to 100 megabytes, by powers of ten.
    package static let byteSizes: Self = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]

    /// `count` bounds, at most 1000, each `factor` times the one before.
    package static func exponential(start: Double, factor: Double, count: Int) -> Self {
        Self(series(start, count) { $0 * factor })
    }

    /// `count` bounds, at most 1000, each `step` more than the one before.
    package static func linear(start: Double, step: Double, count: Int) -> Self {
        Self(series(start, count) { $0 + step })
    }

    /// Whether sums may shrink, which OpenMetrics does not allow.
    var haveNegative: Bool { (bounds.first ?? 0) < 0 }

    /// The position of the bucket that counts `value`; `bounds.count` stands for the last. O(log n), with no branch to mispredict.
    @inline(__always)
    func position(of value: Double) -> Int {
        var position = 0
        var length = bounds.count
        while length > 0 {
            let half = (length + 1) / 2
            position += bounds[position + half - 1] < value ? half : 0
            length -= half
        }
        return position
    }

    private static func series(_ start: Double, _ count: Int, _ next: (Double) -> Double) -> [Double] {
        var bounds: [Double] = []
        var bound = start
        for _ in 0..<max(0, min(count, 1000)) {
            bounds.append(bound)
            bound = next(bound)
        }
        return bounds
    }
}
