import HTTPTypes
import NIOCore
import PrometheusMetrics

/// `/metrics`: what a scraper reads, in the format that it asks for.
enum MetricsDocument {
    /// The answer to a GET or HEAD request.
    static func response(from registry: PrometheusRegistry, to request: IncomingRequest) -> OutgoingResponse {
        let format = ExpositionFormat.negotiate(accept: request.fields[values: .accept])
        let content = registry.exposition(format)
        return OutgoingResponse(
            status: .ok,
            fields: [
                .contentType: format.contentType,
                .contentLength: "\(content.count)",
                .cacheControl: "no-store",
                .vary: "Accept",
            ],
            body: request.method == .head ? nil : ByteBuffer(bytes: content)
        )
    }
}
