#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A line on a terminal that shows how far a long computation has come.
struct ProgressBar {
    private static let width = 40
    private static let patience: Duration = .milliseconds(500)

    private let isVisible: Bool
    private let started = ContinuousClock.now
    private var shownPercent = -1

    init(isVisible: Bool) {
        self.isVisible = isVisible
    }

    /// Shows that a part of the work is done, from 0 to 1. A short computation never gets to draw.
    mutating func show(_ part: Double) {
        guard isVisible, ContinuousClock.now - started > Self.patience, Int(part * 100) != shownPercent else { return }
        shownPercent = Int(part * 100)
        draw(fraction: part)
    }

    /// The computation is over.
    mutating func finish() {
        guard shownPercent >= 0 else { return }
        Self.print("\r\u{1B}[K")
    }

    private mutating func draw(fraction: Double) {
        let filled = Int(fraction * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        Self.print("\r\(bar) \(Int(fraction * 100)) %")
    }

    private static func print(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
