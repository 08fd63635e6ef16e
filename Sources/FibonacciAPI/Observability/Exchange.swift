import HTTPTypes
import NIOCore
import OTLPTracing
import RateLimiting

/// One request and its answer as telemetry sees them.
struct Exchange: Sendable {
    var requestID: String
    var method: String
    /// The template of the route, or `unmatched`.
    var route = Self.unmatchedRoute
    /// Who asks, as the limiter sees it.
    var client: Client
    var status: HTTPResponse.Status = .ok
    var duration: Duration = .zero
    /// The index that was asked for, where it was valid.
    var index: Int?
    /// The tokens that it takes from the client's budget; what it would have taken if it is refused for want of them.
    var cost: Int?
    /// What the limiter says.
    var verdict: Verdict?
    /// Its server span; nil on the admin port.
    var span: OTLPSpan?
    /// How long the limiter has waited for Redis.
    var redisTime: Duration = .zero
    /// Fields that the answer gets, whichever it is.
    var answerFields = HTTPFields()
    var cacheStatus: CacheStatus?
    /// Whether the memory tier had the number; nil if it was not asked for one.
    var isInMemory: Bool?
    /// What went wrong, where the answer is a problem.
    var problem: Problem.Kind?
    var bodyBytes = 0

    static let unmatchedRoute = "unmatched"
    /// The method of a request that could not be read.
    static let unknownMethod = "_OTHER"
}

/// Is told of every exchange. Called on event loops, too: it must not block.
protocol ExchangeObserver: Sendable {
    /// A request is there.
    func exchangeBegan()

    /// Its answer is decided. Each exchange that has begun comes to this.
    func exchangeFinished(_ exchange: Exchange)
}

extension ExchangeObserver {
    /// Does nothing.
    func exchangeBegan() {}
}
