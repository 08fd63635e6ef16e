import PrometheusMetrics
import RateLimiting

/// Counts what the limiter decides and what it takes.
struct RateLimitDecisions: Sendable {
    /// The decisions of one mode.
    private struct Counters: Sendable {
        let allowed: PrometheusCounter
        let refused: PrometheusCounter
        let exceedsBudget: PrometheusCounter

        init(_ family: PrometheusFamily<PrometheusCounter>, mode: Verdict.Mode) {
            allowed = family.with("allowed", mode.rawValue)
            refused = family.with("refused", mode.rawValue)
            exceedsBudget = family.with("exceeds_budget", mode.rawValue)
        }
    }

    private let global: Counters
    private let local: Counters
    private let cost: PrometheusCounter

    init(registry: PrometheusRegistry) {
        let family = registry.counter(
            "fib_ratelimit_decisions_total",
            help: "Requests by what the limiter decided, and by whether all processes decided together.",
            labelNames: ["decision", "mode"]
        )
        global = Counters(family, mode: .global)
        local = Counters(family, mode: .local)
        cost = registry.counter("fib_ratelimit_cost_total", help: "Tokens that requests have taken.")
    }

    /// Has the limiter's state read whenever somebody scrapes.
    static func observe(_ limiter: RateLimiter, in registry: PrometheusRegistry) {
        registry.gauge("fib_ratelimit_processes", help: "Processes that share the budgets, last seen alive.") {
            Double(limiter.processCount)
        }
    }

    func count(_ exchange: Exchange) {
        guard let verdict = exchange.verdict, verdict.cost > 0 else { return }
        let counters = verdict.mode == .global ? global : local
        if exchange.problem == .costExceedsBudget {
            counters.exceedsBudget.increment()
        } else if verdict.isAllowed {
            counters.allowed.increment()
        } else {
            counters.refused.increment()
        }
        if verdict.isAllowed { cost.increment(by: verdict.cost) }
    }
}
