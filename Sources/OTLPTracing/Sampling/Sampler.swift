/// Decides whether a new span is recorded: OpenTelemetry's built-in samplers.
package struct Sampler: Sendable, Hashable {
    /// What decides on a span that is first in its trace, or on each where parents are not asked.
    package enum Rule: Sendable, Hashable {
        /// Every span.
        case always
        /// None.
        case never
        /// This share of all traces, 0 to 1: the same ones in every process, and those of a smaller share among them.
        case ratio(Double)
    }

    /// What decides where no parent does.
    package let rule: Rule
    /// Whether a parent's decision holds for its children.
    package let followsParent: Bool
    private let threshold: UInt64

    /// A sampler of this rule.
    ///
    /// - Parameter rule: a ratio outside 0 to 1 counts as the nearest that is inside, and one that is no number as 0.
    package init(_ rule: Rule, followsParent: Bool) {
        self.rule = rule
        self.followsParent = followsParent
        threshold =
            switch rule {
            case .always: 0
            case .never: Self.randomness
            case .ratio(let ratio): Self.threshold(ratio)
            }
    }

    /// OpenTelemetry's default.
    package static let parentBasedAlwaysOn = Sampler(.always, followsParent: true)

    /// Whether a span of this trace is recorded. O(1), the same for the same trace.
    package func samples(_ traceID: TraceID, parent: TraceContext?) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        // OpenTelemetry takes the low 56 bits as the trace's randomness and rejects what is below a threshold.
        return traceID.low & (Self.randomness - 1) >= threshold
    }

    /// How many values the randomness of a trace can have.
    private static let randomness: UInt64 = 1 << 56

    private static func threshold(_ ratio: Double) -> UInt64 {
        guard ratio > 0 else { return randomness }
        guard ratio < 1 else { return 0 }
        return randomness - UInt64((ratio * Double(randomness)).rounded())
    }
}
