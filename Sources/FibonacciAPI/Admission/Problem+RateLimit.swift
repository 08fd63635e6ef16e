import RateLimiting

extension Problem {
    /// 429: the client has spent its budget. A retry after the time that is given succeeds, if nothing else is spent meanwhile.
    static func quotaExceeded(_ verdict: Verdict) -> Problem {
        let seconds = verdict.retrySeconds ?? 1
        return Problem(
            kind: .quotaExceeded,
            detail: """
                The request costs \(tokens(verdict.cost)), and \(verdict.remaining) of your budget of \(verdict.limit) in \
                \(verdict.window) s \(verdict.remaining == 1 ? "is" : "are") left. Send it again after \(seconds) s.
                """,
            extensions: [.cost(verdict.cost), .budget(verdict.limit)],
            retryAfter: seconds
        )
    }

    /// 422: the client's whole budget would not pay the request.
    static func costExceedsBudget(cost: Int, budget: Int) -> Problem {
        Problem(
            kind: .costExceedsBudget,
            detail: """
                The request costs \(tokens(cost)), more than the whole budget of \(budget): it will never be admitted. \
                Ask for a smaller n; /v1/cost tells the cost of each.
                """,
            extensions: [.cost(cost), .budget(budget)]
        )
    }

    private static func tokens(_ count: Int) -> String { count == 1 ? "1 token" : "\(count) tokens" }
}
