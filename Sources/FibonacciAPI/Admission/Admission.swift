import HTTPTypes
import NIOCore
import RateLimiting

/// Charges requests to their clients' budgets.
struct Admission: Sendable {
    /// What a request that needs no value of the sequence takes: a 304, a HEAD, or one that is refused for what it asks.
    static let basicCost = 1

    private let identity: ClientIdentity
    private let limiter: RateLimiter?
    private let fields: RateLimitFields
    private let spans: ChildSpans

    /// - Parameter limiter: nil charges nobody.
    init(identity: ClientIdentity, limiter: RateLimiter?, spans: ChildSpans) {
        self.identity = identity
        self.limiter = limiter
        self.spans = spans
        fields = RateLimitFields(policy: limiter?.policy)
    }

    /// The most tokens that a request can take; nil if there is no limit.
    var budget: Int? { limiter?.policy.budget }

    /// The client of a request; the peer where the request could not be read.
    func client(of request: IncomingRequest?, from peer: Peer) -> Client {
        // Known since the connection began: nothing has to be parsed for it.
        guard let request, identity.isForwarder(peer.address) else { return peer.client }
        return Client(identity.client(peer: peer.address, forwardedFor: request.fields[values: .xForwardedFor]))
    }

    /// Takes `cost` tokens from the client's budget and has the answer say so; zero only tells what is left.
    ///
    /// - Returns: what the limiter says; nil if there is none.
    @discardableResult
    func charge(_ cost: Int, for exchange: inout Exchange) async -> Verdict? {
        guard let limiter else { return note(cost, nil, in: &exchange) }
        if let verdict = limiter.consumeImmediately(cost, by: exchange.client.key) {
            return note(cost, verdict, in: &exchange)
        }
        let start = ContinuousClock.now
        let verdict = await spans.within("rate limit") { await limiter.consumeByAsking(cost, by: exchange.client.key) }
        exchange.redisTime += ContinuousClock.now - start
        return note(cost, verdict, in: &exchange)
    }

    /// Takes a token for a request that is refused for what it asks, if the client has one: what is wrong is told in any case.
    func chargeRefusal(for exchange: inout Exchange) async {
        if let verdict = await charge(Self.basicCost, for: &exchange), !verdict.isAllowed {
            note(0, verdict, in: &exchange)
        }
    }

    /// The same for a connection that is at its end, and where nobody can wait: if Redis would have to be asked, this process decides.
    func chargeFault(for exchange: inout Exchange) {
        let verdict = limiter?.consumeWithoutWaiting(Self.basicCost, by: exchange.client.key)
        note(verdict?.isAllowed == false ? 0 : Self.basicCost, verdict, in: &exchange)
    }

    @discardableResult
    private func note(_ cost: Int, _ verdict: Verdict?, in exchange: inout Exchange) -> Verdict? {
        exchange.cost = cost
        exchange.verdict = verdict
        exchange.answerFields = fields.fields(cost: cost, verdict: verdict)
        return verdict
    }
}
