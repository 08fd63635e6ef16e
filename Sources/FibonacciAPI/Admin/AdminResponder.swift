import HTTPTypes
import NIOCore

/// Answers the admin port: probes and facts about the build.
struct AdminResponder: HTTPResponder {
    let state: ServiceState
    /// The name of the arithmetic kernel.
    let kernel: String
    let exchanges: ExchangeRunner

    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse {
        await exchanges.respond(to: request, from: peer) { exchange in
            try answer(request, &exchange)
        }
    }

    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse {
        let route = request.flatMap { AdminRoute(rawValue: $0.target.path)?.template }
        return exchanges.respond(to: fault, of: request, route: route, from: peer)
    }

    private func answer(_ request: IncomingRequest, _ exchange: inout Exchange) throws(Problem) -> OutgoingResponse {
        guard let route = AdminRoute(rawValue: request.target.path) else {
            throw Problem(kind: .notFound, detail: "There is nothing at this path of the admin port.")
        }
        exchange.route = route.template
        switch request.method {
        case .get, .head: break
        case .options: return OutgoingResponse(status: .noContent, fields: [.allow: AllowedMethods.fieldValue])
        default: throw .methodNotAllowed(request.method)
        }
        switch route {
        case .liveness:
            return StatusDocument.response(status: .ok, ["status": "ok"], to: request)
        case .readiness:
            let phase = state.phase
            return StatusDocument.response(
                status: phase == .ready ? .ok : .serviceUnavailable,
                ["status": phase.rawValue],
                to: request
            )
        case .version:
            return StatusDocument.response(
                status: .ok,
                [
                    "name": BuildInformation.name, "version": BuildInformation.version,
                    "commit": BuildInformation.commit,
                    "swift": BuildInformation.swiftVersion, "kernel": kernel,
                ],
                to: request
            )
        }
    }
}
