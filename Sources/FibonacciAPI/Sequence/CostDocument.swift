import Fibonacci
import HTTPTypes
import NIOCore

/// `/v1/cost`: what a number would cost, from closed forms.
enum CostDocument {
    /// The answer for `index`.
    static func response(for index: Int, to request: IncomingRequest) -> OutgoingResponse {
        var object = JSONObject()
        object.append("n", index)
        object.append("digits", Fibonacci.digitCount(at: index))
        object.append("cost", Fibonacci.cost(at: index))
        return StatusDocument.response(status: .ok, object, to: request)
    }
}
