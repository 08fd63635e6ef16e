/// Tells when exporting begins to fail and when it works again, so that an outage is two log lines, however long it is.
struct ExportHealth: Sendable {
    enum Change: Hashable {
        case begins
        case ends(droppedCount: Int)
    }

    private var isFailing = false
    private var droppedCount = 0

    /// Takes note of a batch.
    ///
    /// - Parameter droppedCount: how many of its spans were lost.
    mutating func note(droppedCount dropped: Int) -> Change? {
        guard dropped > 0 else {
            guard isFailing else { return nil }
            defer { self = ExportHealth() }
            return .ends(droppedCount: droppedCount)
        }
        droppedCount += dropped
        if isFailing { return nil }
        isFailing = true
        return .begins
    }
}
