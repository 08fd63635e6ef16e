import HTTPTypes
import PrometheusMetrics
import Synchronization

/// The series of exchanges: one for each method, route and status that has come up. The table of them is read without a lock.
struct ExchangeSeries: Sendable {
    /// What is recorded of an exchange.
    final class Series: Sendable {
        let duration: PrometheusHistogram
        let bodySize: PrometheusHistogram

        init(duration: PrometheusHistogram, bodySize: PrometheusHistogram) {
            self.duration = duration
            self.bodySize = bodySize
        }
    }

    /// One place of the table; a class, because what it holds cannot be copied.
    private final class Place: Sendable {
        let series = AtomicLazyReference<Series>()
    }

    /// What any other method is called (OpenTelemetry, HTTP semantic conventions): clients must not make series.
    static let otherMethod = Exchange.unknownMethod
    private static let methods = [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", otherMethod,
    ]
    private static let routes = Route.allCases.map(\.template) + [Exchange.unmatchedRoute]
    private static let statuses = 100...599

    /// What a method is called in metrics and spans.
    static func methodLabel(_ method: String) -> String { methods.contains(method) ? method : otherMethod }

    private let durations: PrometheusFamily<PrometheusHistogram>
    private let bodySizes: PrometheusFamily<PrometheusHistogram>
    /// By method and route, each made when its first exchange comes: a row of all statuses.
    private let rows: [Row]

    private final class Row: Sendable {
        let places = AtomicLazyReference<Places>()
    }

    private final class Places: Sendable {
        let byStatus = statuses.map { _ in Place() }
    }

    init(registry: PrometheusRegistry) {
        let labelNames = ["http_request_method", "http_route", "http_response_status_code"]
        durations = registry.histogram(
            "http_server_request_duration_seconds",
            help: "Time from a request to its answer.",
            unit: "seconds",
            labelNames: labelNames,
            buckets: .durations
        )
        bodySizes = registry.histogram(
            "http_server_response_body_size_bytes",
            help: "Content of answers.",
            unit: "bytes",
            labelNames: labelNames,
            buckets: .exponential(start: 64, factor: 4, count: 10)
        )
        // A counter that begins above zero has no increase: the first failures of a process would show nowhere.
        for status in ["500", "503"] { _ = durations.with(["GET", Route.fibonacci.template, status]) }
        rows = (0..<(Self.methods.count * Self.routes.count)).map { _ in Row() }
    }

    /// The series of an exchange.
    subscript(exchange: Exchange) -> Series {
        let method = Self.methods.firstIndex(of: exchange.method) ?? Self.methods.count - 1
        let route = Self.routes.firstIndex(of: exchange.route) ?? Self.routes.count - 1
        let status = min(max(exchange.status.code, Self.statuses.lowerBound), Self.statuses.upperBound)
        let row = rows[method * Self.routes.count + route]
        let places = row.places.load() ?? row.places.storeIfNil(Places())
        let place = places.byStatus[status - Self.statuses.lowerBound]
        if let series = place.series.load() { return series }
        let labels = [Self.methods[method], Self.routes[route], String(status)]
        return place.series.storeIfNil(
            Series(duration: durations.with(labels), bodySize: bodySizes.with(labels))
        )
    }
}
