import HTTPTypes
import NIOCore
import RateLimiting

/// A whole request: its head, after its body was read and thrown away.
struct IncomingRequest: Sendable {
    var method: HTTPRequest.Method
    var target: RequestTarget
    var fields: HTTPFields
}

/// A whole answer.
struct OutgoingResponse: Sendable {
    var status: HTTPResponse.Status
    var fields: HTTPFields
    /// Nothing for HEAD, 204 and 304.
    var body: ByteBuffer?
}

/// A request that cannot be read or that breaks a limit. It is answered and its connection closed.
enum ConnectionFault: Error, Equatable, Sendable {
    case badRequest(reason: String)
    case requestTimeout
    case contentTooLarge(limit: Int)
    case targetTooLong(limit: Int)
    case headerSectionTooLarge(limit: Int, fields: Int)
    case methodUnknown
    case transferCodingUnknown
    case versionNotSupported
}

/// What a connection knows of the other side.
struct Peer: Sendable {
    /// The address without the port, as text; empty if it is not known.
    let address: String
    /// The client that it is unless it speaks for others.
    let client: Client

    init(address: String) {
        self.address = address
        client = Client(ClientKey(address: address))
    }
}

/// Answers the requests of a server's connections.
protocol HTTPResponder: Sendable {
    /// The answer to a well-formed request. The task is cancelled when the client goes away.
    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse

    /// The answer to what is no well-formed request. Called on an event loop: it must not block.
    ///
    /// - Parameter request: the request as far as it could be read.
    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse
}
