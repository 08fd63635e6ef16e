import HTTPTypes
import NIOCore

/// Small JSON answers that hold for the moment, or for one client. They are never cached.
enum StatusDocument {
    /// The answer with `members`, a value of nil as `null`.
    static func response(
        status: HTTPResponse.Status,
        _ members: KeyValuePairs<StaticString, String?>,
        to request: IncomingRequest
    ) -> OutgoingResponse {
        var object = JSONObject()
        for (name, value) in members {
            object.append(name, orNull: value)
        }
        return response(status: status, object, to: request)
    }

    /// The answer with `object`.
    static func response(
        status: HTTPResponse.Status,
        _ object: JSONObject,
        to request: IncomingRequest
    ) -> OutgoingResponse {
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
