/// Something that reads what others wrote, and what has to hold whatever they wrote.
///
/// The raw value names the executable, `fuzz-…`, and the folder of the corpus.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Environment variables, as `env -0` writes them.
    case configuration
    /// Three lines or more: `TRUSTED_PROXIES`, the peer, and the lines of `X-Forwarded-For`.
    case forwarded
    /// Header lines of a request: `If-Match`, `If-None-Match`, `Accept`.
    case preconditions
    /// What stands behind the `?` of a request target.
    case query
    /// What a Redis server sends.
    case resp
    /// Two lines: `traceparent` and `tracestate`.
    case tracecontext

    /// Runs one input.
    ///
    /// - Throws: the property that does not hold.
    package func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        switch self {
        case .configuration: try ConfigurationCheck.check(input)
        case .forwarded: try ForwardedCheck.check(input)
        case .preconditions: try PreconditionsCheck.check(input)
        case .query: try QueryCheck.check(input)
        case .resp: try RESPCheck.check(input)
        case .tracecontext: try TraceContextCheck.check(input)
        }
    }

    /// Runs one input for libFuzzer, which takes a trap for a finding.
    package func run(_ input: UnsafeBufferPointer<UInt8>) -> CInt {
        do throws(Violation) {
            try check(input)
            return 0
        } catch {
            preconditionFailure("\(rawValue): \(error)")
        }
    }
}

/// A property that does not hold for an input.
package struct Violation: Error, CustomStringConvertible {
    /// What was expected, and what was there instead.
    package let description: String
}

/// Throws unless `condition` holds.
func require(_ condition: Bool, _ property: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(description: property()) }
}
