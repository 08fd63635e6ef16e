import OTLPTracing
import PrometheusMetrics
import RedisClient
import Tracing

/// Times a Redis client's calls and counts its connections, by the names of OpenTelemetry's database conventions in their Prometheus form.
struct RedisMetrics: RedisObserver {
    /// What a client is for.
    enum Purpose: String, Sendable {
        case cache
        case rateLimit = "rate_limit"
    }

    /// Commands by their names; any other is `_OTHER`.
    private static let operations: Set<String> = [
        "GET", "SET", "EVAL", "EVALSHA", "PING", "PIPELINE", "ZREM", "CLUSTER", "HELLO", "AUTH",
    ]

    /// A client, and how it stands.
    struct Observed: Sendable {
        let purpose: Purpose
        let client: any RedisCommanding
        let state: @Sendable () -> RedisState
    }

    private let purpose: Purpose
    private let spans: ChildSpans
    private let durations: PrometheusFamily<PrometheusHistogram>
    private let opened: PrometheusCounter
    private let failures: PrometheusCounter

    init(purpose: Purpose, registry: PrometheusRegistry, spans: ChildSpans) {
        self.purpose = purpose
        self.spans = spans
        durations = registry.histogram(
            "db_client_operation_duration_seconds",
            help: "Time of a call to Redis.",
            unit: "seconds",
            labelNames: ["client", "db_system_name", "db_operation_name", "error_type"],
            buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
        )
        opened = registry.counter(
            "fib_redis_connections_opened_total",
            help: "Connections to Redis that were made.",
            labelNames: ["client"]
        ).with(purpose.rawValue)
        failures = registry.counter(
            "fib_redis_connection_failures_total",
            help: "Connections to Redis that could not be made, or were lost.",
            labelNames: ["client"]
        ).with(purpose.rawValue)
    }

    func callEnded(name: String, endpoint: RedisEndpoint?, duration: Duration, error: RedisError?) {
        let operation = Self.operations.contains(name) ? name : Exchange.unknownMethod
        let errorType = error.map(Self.errorType)
        durations.with(purpose.rawValue, "redis", operation, errorType ?? "").observe(duration)
        spans.record(name, ofKind: .client, lasting: duration) { span in
            span.setAttribute("db.system.name", to: "redis")
            span.setAttribute("db.operation.name", to: .string(name))
            span.setAttribute("server.address", to: endpoint.map { .string($0.host) })
            span.setAttribute("server.port", to: endpoint.map { .int64(Int64($0.port)) })
            if let errorType {
                span.setAttribute("error.type", to: .string(errorType))
                span.setStatus(SpanStatus(code: .error))
            }
        }
    }

    func connectionOpened(endpoint: RedisEndpoint) {
        opened.increment()
    }

    func connectionFailed(endpoint: RedisEndpoint, error: RedisError) {
        failures.increment()
    }

    /// A word for what went wrong, one of few.
    static func errorType(_ error: RedisError) -> String {
        switch error.code {
        case .timeout, .expiredUnsent: "timeout"
        case .notConnected, .connectionClosed, .connectFailed, .tls, .handshakeRefused: "connection"
        case .circuitOpen: "circuit_open"
        case .queueFull: "queue_full"
        case .cancelled: "cancelled"
        case .reply(let code): errorType(code)
        case .protocolViolation, .crossSlot, .slotUncovered, .tooManyRedirections, .shutDown, .invalidCall: "other"
        }
    }

    private static func errorType(_ code: RedisReplyCode) -> String {
        switch code {
        case .readOnly: "readonly"
        case .loading: "loading"
        case .masterDown: "masterdown"
        case .outOfMemory: "oom"
        case .cannotSave: "misconf"
        case .tooFewReplicas: "noreplicas"
        case .clusterDown: "clusterdown"
        case .noScript: "noscript"
        case .wrongType: "wrongtype"
        case .authenticationRequired: "noauth"
        case .wrongPassword: "wrongpass"
        case .noPermission: "noperm"
        case .moved: "moved"
        case .ask: "ask"
        case .busy: "busy"
        case .tryAgain, .crossSlot, .other: "other"
        }
    }
}

extension RedisMetrics {
    /// Has the states of clients read whenever somebody scrapes.
    static func observe(_ clients: [Observed], in registry: PrometheusRegistry) {
        guard !clients.isEmpty else { return }
        registry.gauge("fib_redis_up", help: "Whether Redis serves at least reads.", labelNames: ["client"]) {
            clients.map { one in
                let isUp = [.connected, .degraded].contains(one.state().level)
                return PrometheusSample([one.purpose.rawValue], value: isUp ? 1 : 0)
            }
        }
        registry.gauge(
            "fib_redis_state",
            help: "How Redis stands: 1 for the present state.",
            labelNames: ["client", "state"]
        ) {
            clients.flatMap { one in
                let present = one.state().level
                return [RedisState.Level.starting, .connected, .degraded, .down].map { level in
                    PrometheusSample([one.purpose.rawValue, level.rawValue], value: level == present ? 1 : 0)
                }
            }
        }
        registry.gauge(
            "db_client_connection_pending_requests",
            help: "Commands that wait for Redis' replies.",
            labelNames: ["client"]
        ) {
            clients.map { PrometheusSample([$0.purpose.rawValue], value: Double($0.client.inFlightCount)) }
        }
    }
}
