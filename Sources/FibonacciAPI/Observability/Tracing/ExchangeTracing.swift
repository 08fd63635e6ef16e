import HTTPTypes
import OTLPTracing
import Tracing

/// The server span of an exchange, by OpenTelemetry's stable conventions for HTTP. A span that is not sampled costs next to nothing: no
/// attribute of it is made.
struct ExchangeTracing: Sendable {
    private let tracer: OTLPTracer

    init(tracer: OTLPTracer) {
        self.tracer = tracer
    }

    /// The span of a request, a child of the caller's where `traceparent` names one (W3C Trace Context).
    func begin(_ request: IncomingRequest?) -> OTLPSpan {
        var parent: TraceContext?
        if tracer.propagates, let fields = request?.fields, let traceParent = fields[.traceparent] {
            parent = TraceContext(traceParent: traceParent, traceState: fields[.tracestate])
        }
        return tracer.startSpan("HTTP", parent: parent, ofKind: .server)
    }

    /// Says what the exchange was, and ends its span.
    func end(_ exchange: Exchange, _ request: IncomingRequest?) {
        guard let span = exchange.span else { return }
        if span.isRecording {
            let method = ExchangeSeries.methodLabel(exchange.method)
            let name = method == ExchangeSeries.otherMethod ? "HTTP" : method
            // Without a route a span is named by the method alone: paths are anybody's.
            span.operationName =
                exchange.route == Exchange.unmatchedRoute ? name : "\(name) \(exchange.route)"
            span.setAttribute("http.request.method", to: .string(method))
            if method != exchange.method {
                span.setAttribute("http.request.method_original", to: .string(exchange.method))
            }
            if exchange.route != Exchange.unmatchedRoute {
                span.setAttribute("http.route", to: .string(exchange.route))
            }
            span.setAttribute("http.response.status_code", to: .int64(Int64(exchange.status.code)))
            span.setAttribute("http.response.body.size", to: .int64(Int64(exchange.bodyBytes)))
            span.setAttribute("url.scheme", to: "http")
            span.setAttribute("client.address", to: .string(exchange.client.name))
            span.setAttribute("fib.request_id", to: .string(exchange.requestID))
            if let request {
                span.setAttribute("url.path", to: .string(request.target.path))
                if !request.target.query.isEmpty {
                    span.setAttribute("url.query", to: .string(String(request.target.query)))
                }
                span.setAttribute("user_agent.original", to: request.fields[.userAgent].map { .string($0) })
            }
            span.setAttribute("fib.n", to: exchange.index.map { .int64(Int64($0)) })
            span.setAttribute("fib.cost", to: exchange.cost.map { .int64(Int64($0)) })
            span.setAttribute("fib.cache", to: exchange.cacheStatus.map { .string($0.logValue) })
            // A client's mistake is no error of a server's span; its kind is told all the same.
            if exchange.status.code >= 500 {
                span.setAttribute("error.type", to: exchange.problem.map { .string($0.rawValue) })
                span.setStatus(SpanStatus(code: .error))
            } else if let problem = exchange.problem {
                span.setAttribute("fib.problem", to: .string(problem.rawValue))
            }
        }
        span.end()
    }
}
