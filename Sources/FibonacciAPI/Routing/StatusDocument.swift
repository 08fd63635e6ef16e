import HTTPTypes
import NIOCore

/// Small JSON answers about the process itself. They are never cached.
enum StatusDocument {
    /// The answer with `members`, a value of nil as `null`.
    static func response(
        status: HTTPResponse.Status,
        _ members: KeyValuePairs<StaticString, String?>,
        to request: IncomingRequest
    ) -> OutgoingResponse {
        var object = JSONObject()
        for (name, value) in members {
            if let value { object.append(name, value) } else { object.appendNull(name) }
        }
        let document = object.finished
        return OutgoingResponse(
            status: status,
            fields: [
                .contentType: "application/json",
                .contentLength: "\(document.count)",
                .cacheControl: "no-store",
            ],
            body: request.method == .head ? nil : ByteBuffer(bytes: document)
        )
    }
}
