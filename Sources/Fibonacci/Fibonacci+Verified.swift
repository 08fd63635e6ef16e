public import DecimalArithmetic

extension Fibonacci {
    /// F(n), compared with its digit count and its residue before it is returned.
    ///
    /// A number that fails a check is never returned. It is reported and computed again, by transforms in a smaller base if it is large,
    /// which repairs what a passing fault of the hardware or rounding spoilt; a fault that stays ends in an error.
    ///
    /// - Parameters:
    ///   - n: The index.
    ///   - maximumAttempts: How often to compute it before giving up, at least once.
    ///   - engine: How to compute it.
    ///   - checkpoint: Called every so often with the part of an attempt's work that is done, from 0 to 1; throw from it to give
    ///     the computation up.
    ///   - onFault: Called for each number that failed a check, and for each product on the way that was thrown away.
    /// - Throws: What `checkpoint` throws; `IntegrityError` if every attempt failed a check.
    /// - Precondition: `0 ≤ n ≤ maximumIndex`, `maximumAttempts ≥ 1`.
    /// - Complexity: That of `value(at:using:checkpoint:onFault:)`; the checks are linear.
    public static func verified(
        at n: Int,
        maximumAttempts: Int = 3,
        using engine: Engine = Engine(),
        checkpoint: (Double) throws -> Void = { _ in },
        onFault: (IntegrityFault) -> Void = { _ in }
    ) throws -> DecimalNatural {
        var attempts = 0
        return try verified(at: n, maximumAttempts: maximumAttempts, onFault: onFault) {
            defer { attempts += 1 }
            return try value(at: n, using: engine, caution: attempts, checkpoint: checkpoint, onFault: onFault)
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
