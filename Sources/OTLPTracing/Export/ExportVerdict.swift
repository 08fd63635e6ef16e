internal import SwiftProtobuf

/// What an answer means for the batch: OTLP specification, "OTLP/HTTP Response".
enum ExportVerdict: Hashable {
    /// Taken, except for so many spans.
    case accepted(rejectedCount: Int, message: String)
    /// Worth another attempt, not sooner than after this time.
    case retryable(after: Duration?)
    /// The same would be answered again.
    case refused

    /// - Parameter now: seconds since 1970, for a `Retry-After` that names a date.
    init(_ response: ExportResponse, now: Int) {
        switch response.status {
        case 200..<300:
            let answer = try? MessageExportTraceServiceResponse(serializedBytes: response.body)
            let partial = answer?.partialSuccess ?? MessageExportTracePartialSuccess()
            self = .accepted(
                rejectedCount: Int(clamping: max(0, partial.rejectedSpans)),
                message: String(partial.errorMessage.prefix(200))
            )
        case 429, 502, 503, 504:
            self = .retryable(after: response.retryAfter.flatMap { RetryAfter.delay($0, now: now) })
        default:
            self = .refused
        }
    }
}
