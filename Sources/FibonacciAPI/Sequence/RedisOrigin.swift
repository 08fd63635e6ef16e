import Caching
import DecimalArithmetic
import Fibonacci
import NIOCore
import PrometheusMetrics
import RedisClient

/// Asks the Redis tier first, and another origin for what it does not have; that is stored for others.
///
/// Nothing that comes from Redis is believed: digits are served only if they are as many as F(n) has and leave its residue modulo 2^61 − 1.
struct RedisOrigin: FibonacciOrigin {
    let tier: RedisTier
    /// The limiter's client if it leads to the same Redis: what that has found out nobody has to wait for again.
    let companion: (any RedisCommanding)?
    /// The longest that Redis may add to a request: for the limiter, to look up and to store together.
    let timeBudget: Duration
    let fallback: any FibonacciOrigin
    let metrics: RedisTierMetrics
    let integrity: IntegrityReporter

    /// Only while Redis is away: else what others have computed is asked for.
    func immediateBody(for index: Int) -> FibonacciBody? {
        isReachable ? nil : fallback.immediateBody(for: index)
    }

    func body(for index: Int, redisTime: Duration) async throws -> SourcedBody {
        let timeBudget = timeBudget - redisTime
        guard timeBudget > .zero, isReachable, tier.takes(byteCount: Fibonacci.digitCount(at: index)) else {
            return try await fallbackBody(for: index)
        }
        let start = ContinuousClock.now
        switch await tier.value(at: index, timeout: timeBudget) {
        case .found(let digits):
            if let body = verifiedBody(for: index, digits: digits) {
                metrics.hits.increment()
                return SourcedBody(body: body, source: .redis)
            }
        case .wrongType:
            reportFault(at: index, "the key holds no string")
        case .unavailable:
            // The client says so when its state changes.
            metrics.errors.increment()
            return try await fallbackBody(for: index)
        case .absent:
            metrics.misses.increment()
        }
        try Task.checkCancellation()
        let spent = ContinuousClock.now - start
        let answer = try await fallbackBody(for: index)
        // Waited for, so that the next process that asks finds it; within what is left of the time that Redis may take.
        if spent < timeBudget {
            try? await tier.store(answer.body.digits, at: index, timeout: timeBudget - spent)
        }
        return answer
    }

    private var isReachable: Bool { tier.isReachable && companion?.state.level != .down }

    /// The fallback's body, made in place if that is quicker than to wait for a thread.
    private func fallbackBody(for index: Int) async throws -> SourcedBody {
        if let body = fallback.immediateBody(for: index) { return SourcedBody(body: body, source: .computation) }
        return try await fallback.body(for: index, redisTime: .zero)
    }

    private func verifiedBody(for index: Int, digits: ByteBuffer) -> FibonacciBody? {
        let expected = Fibonacci.digitCount(at: index)
        guard digits.readableBytes == expected else {
            reportFault(at: index, "\(digits.readableBytes) bytes, expected \(expected) digits")
            return nil
        }
        guard let value = DecimalNatural(decimalDigits: digits.readableBytesView) else {
            reportFault(at: index, "not only digits")
            return nil
        }
        if let reason = Fibonacci.mismatch(of: value, at: index) {
            reportFault(at: index, "\(IntegrityFault(index: index, attempt: 1, reason: reason))")
            return nil
        }
        return FibonacciBody(index: index, digits: digits)
    }

    /// What is wrong is overwritten by what is computed instead.
    private func reportFault(at index: Int, _ reason: String) {
        metrics.invalid.increment()
        integrity.report(reason, at: index, from: .redis)
    }
}
