public import DecimalArithmetic

extension Fibonacci {
    /// F(n), compared with its digit count and its residue before it is returned.
    ///
    /// A number that fails a check is never returned. It is reported and computed again, which repairs what a passing
    /// fault of the hardware spoilt; a fault that stays ends in an error.
    ///
    /// - Parameters:
    ///   - n: The index.
    ///   - maximumAttempts: How often to compute it before giving up, at least once.
    ///   - checkpoint: Called before each doubling step; throw from it to give the computation up.
    ///   - onFault: Called for each number that failed a check.
    /// - Throws: What `checkpoint` throws; `IntegrityError` if every attempt failed a check.
    /// - Precondition: `0 ≤ n ≤ maximumIndex`, `maximumAttempts ≥ 1`.
    /// - Complexity: That of `value(at:checkpoint:)`; the checks are linear.
    public static func verified(
        at n: Int,
        maximumAttempts: Int = 3,
        checkpoint: () throws -> Void = {},
        onFault: (IntegrityFault) -> Void = { _ in }
    ) throws -> DecimalNatural {
        try verified(at: n, maximumAttempts: maximumAttempts, onFault: onFault) {
            try value(at: n, checkpoint: checkpoint)
        }
    }

    /// The same for any way of computing the number.
    package static func verified(
        at n: Int,
        maximumAttempts: Int = 3,
        onFault: (IntegrityFault) -> Void,
        compute: () throws -> DecimalNatural
    ) throws -> DecimalNatural {
        precondition(maximumAttempts >= 1, "there must be at least one attempt")
        var faults: [IntegrityFault] = []
        for attempt in 1...maximumAttempts {
            let candidate = try compute()
            guard let reason = mismatch(of: candidate, at: n) else { return candidate }
            let fault = IntegrityFault(index: n, attempt: attempt, reason: reason)
            onFault(fault)
            faults.append(fault)
        }
        throw IntegrityError(faults: faults)
    }

    /// What shows that a number, wherever it came from, is not F(n); nil if it passes every check.
    ///
    /// The digit count and the residue modulo 2^61 − 1 are compared with those of F(n). Any single wrong digit is
    /// found; a number that is wrong at random passes with a probability of 2^−61.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: O(digits), about a nanosecond for eighteen of them.
    public static func mismatch(of candidate: DecimalNatural, at n: Int) -> IntegrityFault.Reason? {
        let digitCount = digitCount(at: n)
        guard candidate.digitCount == digitCount else {
            return .digitCount(expected: digitCount, found: candidate.digitCount)
        }
        let residue = residue(at: n)
        let found = candidate.residueModuloMersenne61
        return found == residue ? nil : .residue(expected: residue, found: found)
    }
}
