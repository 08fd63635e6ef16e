/// What did not come about in time.
package struct NotInTime: Error, CustomStringConvertible {
    package var description: String
}

/// Asks again and again until the answer is yes, within a limit that only a failure reaches.
///
/// - Throws: ``NotInTime``, with the place that asked.
package func eventually(
    _ what: @autoclosure () -> String,
    within limit: Duration = .seconds(10),
    file: String = #fileID,
    line: Int = #line,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    guard try await condition() else {
        throw NotInTime(description: "not within \(limit): \(what()) (\(file):\(line))")
    }
}
