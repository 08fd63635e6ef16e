#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A line on a terminal that shows how far a computation by doubling has come.
///
/// Every doubling step works on numbers twice as long and costs about three times the one before, so the bar weighs the steps
/// by that: the last one is two thirds of the work.
struct ProgressBar {
    private static let width = 40
    private static let growth = 3.0
    private static let patience: Duration = .milliseconds(500)

    private let isVisible: Bool
    private let steps: Int
    private let started = ContinuousClock.now
    private var begun = 0
    private var isDrawn = false

    init(isVisible: Bool, steps: Int) {
        self.isVisible = isVisible
        self.steps = steps
    }

    /// A step begins.
    mutating func advance() {
        begun += 1
        // The last steps take nearly all of the time, so a short computation never gets to draw.
        guard isVisible, ContinuousClock.now - started > Self.patience else { return }
        draw(fraction: fraction(done: begun - 1))
    }

    /// The computation is over.
    mutating func finish() {
        guard isDrawn else { return }
        Self.print("\r\u{1B}[K")
    }

    private func fraction(done: Int) -> Double {
        // Geometric: steps from the last back weigh 1, 1/3, 1/9, …
        var weight = 1.0
        var (total, remaining) = (0.0, 0.0)
        for step in stride(from: steps, to: 0, by: -1) {
            total += weight
            if step > done { remaining += weight }
            weight /= Self.growth
        }
        return total > 0 ? 1 - remaining / total : 1
    }

    private mutating func draw(fraction: Double) {
        isDrawn = true
        let filled = Int(fraction * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        Self.print("\r\(bar) \(Int(fraction * 100)) %")
    }

    private static func print(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
