import DecimalArithmetic
import Fibonacci
import OTLPTracing
import Tracing

/// Computes: small indices in place, large ones on the compute pool. Only numbers that pass their integrity check leave it.
struct ComputeOrigin: FibonacciOrigin {
    /// The largest index that is computed in place: about twenty microseconds, on the connection's event loop.
    static let largestImmediateIndex = 50_000

    let pool: ComputePool
    let engine: Engine
    let integrity: IntegrityReporter
    let spans: ChildSpans

    func immediateBody(for index: Int) -> FibonacciBody? {
        guard index <= Self.largestImmediateIndex else { return nil }
        let span = beginSpan(index, below: spans.parent)
        defer { span?.end() }
        // Where no attempt succeeds, the slower path tries again and says so.
        return (try? Fibonacci.verified(at: index, maximumAttempts: 1, using: engine, onFault: report)).map {
            FibonacciBody(index: index, value: $0, using: engine.kernel)
        }
    }

    func body(for index: Int, redisTime: Duration) async throws -> SourcedBody {
        let parent = spans.parent
        do {
            let body = try await pool.run(cost: Fibonacci.cost(at: index)) { cancellation in
                let span = beginSpan(index, below: parent)
                defer { span?.end() }
                do {
                    let value = try Fibonacci.verified(
                        at: index,
                        using: engine,
                        checkpoint: { _ in try cancellation.check() },
                        onFault: report
                    )
                    return FibonacciBody(index: index, value: value, using: engine.kernel)
                } catch {
                    span?.setAttribute("error.type", to: error is CancellationError ? "cancelled" : "integrity")
                    span?.setStatus(SpanStatus(code: .error))
                    throw error
                }
            }
            return SourcedBody(body: body, source: .computation)
        } catch let overload as ComputePool.Overloaded {
            throw Problem(
                kind: .overloaded,
                detail: "Too many large computations are waiting. Try again in \(overload.retryAfter) s.",
                retryAfter: overload.retryAfter
            )
        }
    }

    private func beginSpan(_ index: Int, below parent: TraceContext?) -> OTLPSpan? {
        guard let span = spans.begin("compute", below: parent) else { return nil }
        span.setAttribute("fib.digits", to: .int64(Int64(Fibonacci.digitCount(at: index))))
        span.setAttribute("fib.kernel", to: .string(engine.kernel.name))
        return span
    }

    private func report(_ fault: IntegrityFault) {
        integrity.report("\(fault)", at: fault.index, from: .compute)
    }
}
