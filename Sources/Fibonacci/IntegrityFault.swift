/// A computed or stored number that is not the Fibonacci number it should be.
public struct IntegrityFault: Sendable, Hashable, CustomStringConvertible {
    /// What was found to be wrong.
    public enum Reason: Sendable, Hashable {
        /// The number of digits differs from the closed form.
        case digitCount(expected: Int, found: Int)
        /// The number leaves another residue modulo 2^61 − 1.
        case residue(expected: UInt64, found: UInt64)
        /// A product on the way was thrown away, with the reason.
        case product(String)
    }

    /// The index of the number.
    public let index: Int
    /// Which attempt gave it, from 1; products that are thrown away are counted for themselves.
    public let attempt: Int
    /// What was found to be wrong.
    public let reason: Reason

    /// A fault as it was found.
    public init(index: Int, attempt: Int, reason: Reason) {
        self.index = index
        self.attempt = attempt
        self.reason = reason
    }

    /// A sentence for a log line.
    public var description: String {
        switch reason {
        case .digitCount(let expected, let found):
            "F(\(index)), attempt \(attempt): \(found) digits, expected \(expected)"
        case .residue(let expected, let found):
            "F(\(index)), attempt \(attempt): residue \(found) modulo 2^61 − 1, expected \(expected)"
        case .product(let reason):
            "F(\(index)), attempt \(attempt): \(reason)"
        }
    }
}

/// No attempt at computing a number passed its checks.
public struct IntegrityError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong, one fault an attempt and never empty.
    public let faults: [IntegrityFault]

    /// An error after these faults.
    public init(faults: [IntegrityFault]) {
        self.faults = faults
    }

    /// A sentence for a log line.
    public var description: String {
        let list = faults.map(\.description).joined(separator: "; ")
        return "no attempt gave a number that passes its integrity checks: \(list)"
    }
}
