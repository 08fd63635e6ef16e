import HTTPTypes
import JSONLogging
import Logging
import OTLPTracing

/// Writes a line for every exchange, at level info.
struct AccessLog: ExchangeObserver {
    let writer: BufferedLineWriter
    let format: LineFormat

    func exchangeFinished(_ exchange: Exchange) {
        var line = LogLine(format: format)
        line.begin(level: .info, message: "request", logger: "access")
        line.append("request_id", exchange.requestID)
        if let context = exchange.span?.traceContext {
            line.append("trace_id", context.traceID.description)
            line.append("span_id", context.spanID.description)
        }
        line.append("route", exchange.route)
        line.append("method", exchange.method)
        line.append("status", exchange.status.code)
        line.append("duration_ms", exchange.duration / .milliseconds(1))
        if let index = exchange.index { line.append("n", index) }
        if let cost = exchange.cost { line.append("cost", cost) }
        line.append("cache", exchange.cacheStatus?.logValue)
        line.append("client", exchange.client.name)
        line.append("bytes", exchange.bodyBytes)
        line.write(to: writer)
    }
}
