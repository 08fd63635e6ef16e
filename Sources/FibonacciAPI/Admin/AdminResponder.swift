import HTTPTypes
import NIOCore

/// Answers the admin port: probes and facts about the build.
struct AdminResponder: HTTPResponder {
    let state: ServiceState
    let finisher: ExchangeFinisher

    func respond(to request: IncomingRequest, from peer: Peer) async -> OutgoingResponse {
        let started = ContinuousClock.now
        var exchange = Exchange(
            requestID: RequestIdentifier.identifier(for: request.fields),
            method: request.method.rawValue,
            peer: peer
        )
        let path = request.target.path
        var response: OutgoingResponse
        do throws(Problem) {
            response = try answer(request, path: path, &exchange)
        } catch {
            response = ExchangeFinisher.response(
                to: error,
                method: request.method,
                path: path,
                requestID: exchange.requestID
            )
        }
        finisher.finish(&response, of: &exchange, started: started)
        return response
    }

    func respond(to fault: ConnectionFault, of request: IncomingRequest?, from peer: Peer) -> OutgoingResponse {
        let route = request.flatMap { AdminRoute(rawValue: $0.target.path)?.template }
        return finisher.response(to: fault, of: request, route: route, from: peer)
    }

    private func answer(_ request: IncomingRequest, path: String, _ exchange: inout Exchange) throws(Problem)
        -> OutgoingResponse
    {
        guard let route = AdminRoute(rawValue: path) else {
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
                    "swift": BuildInformation.swiftVersion, "kernel": BuildInformation.arithmeticKernel,
                ],
                to: request
            )
        }
    }
}
