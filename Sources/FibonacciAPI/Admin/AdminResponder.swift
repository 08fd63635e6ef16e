import HTTPTypes
import NIOCore
import PrometheusMetrics
import RateLimiting
import RedisClient

/// Answers the admin port: probes and facts about the build.
struct AdminResponder: HTTPResponder {
    let state: ServiceState
    /// The name of the arithmetic kernel.
    let kernel: String
    /// The Redis that values are cached in, if any.
    let redis: (any RedisCommanding)?
    /// Whether both are the same server, so that what one client has found out holds for the other.
    let isSharingServer: Bool
    let limiter: RateLimiter?
    /// What `/metrics` shows; nil if nothing is measured.
    let metrics: PrometheusRegistry?
    let exchanges: ExchangeRunner

    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse {
        await exchanges.respond(to: request, from: peer.client) { exchange in
            try answer(request, &exchange)
        }
    }

    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse {
        let route = request.flatMap { AdminRoute(rawValue: $0.target.path)?.template }
        return exchanges.respond(to: fault, of: request, route: route, from: peer.client)
    }

    private func answer(_ request: IncomingRequest, _ exchange: inout Exchange) throws(Problem) -> OutgoingResponse {
        guard let route = AdminRoute(rawValue: request.target.path) else {
            throw Problem(kind: .notFound, detail: "There is nothing at this path of the admin port.")
        }
        exchange.route = route.template
        switch request.method {
        case .get, .head: break
        case .options: return OutgoingResponse(status: .noContent, fields: [.allow: AllowedMethods.fieldValue])
        default: throw .methodNotAllowed(request.method)
        }
        switch route {
        case .liveness:
            return StatusDocument.response(status: .ok, ["status": "ok"], to: request)
        case .readiness:
            return readiness(to: request)
        case .metrics:
            guard let metrics else {
                throw Problem(kind: .notFound, detail: "Metrics are switched off (OTEL_METRICS_EXPORTER).")
            }
            return MetricsDocument.response(from: metrics, to: request)
        case .version:
            return StatusDocument.response(
                status: .ok,
                [
                    "name": BuildInformation.name, "version": BuildInformation.version,
                    "commit": BuildInformation.commit,
                    "swift": BuildInformation.swiftVersion, "kernel": kernel,
                ],
                to: request
            )
        }
    }

    /// Without Redis the service answers all the same, so it is ready, and says that it stands less well than it should.
    private func readiness(to request: IncomingRequest) -> OutgoingResponse {
        let phase = state.phase
        let status: HTTPResponse.Status = phase == .ready ? .ok : .serviceUnavailable
        let rateLimit = limiter?.redisState
        let redis = isSharingServer && rateLimit?.level == .down ? rateLimit : redis?.state
        let isWell = [redis, rateLimit].allSatisfy { $0 == nil || $0?.level == .connected }
        var object = JSONObject()
        object.append("status", phase == .ready && !isWell ? "degraded" : phase.rawValue)
        if let redis {
            object.append("redis", redis.level.rawValue)
            object.append("redis_reason", orNull: redis.reason)
        }
        if let rateLimit {
            object.append("rate_limit_redis", rateLimit.level.rawValue)
            object.append("rate_limit_redis_reason", orNull: rateLimit.reason)
        }
        return StatusDocument.response(status: status, object, to: request)
    }
}
