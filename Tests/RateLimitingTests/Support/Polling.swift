import Testing

/// Asks again and again until the answer is yes, within a limit that only a failure reaches.
func eventually(
    _ what: @autoclosure () -> Comment,
    within limit: Duration = .seconds(10),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    let holds = try await condition()
    try #require(holds, what(), sourceLocation: sourceLocation)
}
