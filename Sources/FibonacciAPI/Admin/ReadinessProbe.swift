import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a service on this host whether it is ready, as an orchestrator's probe does.
package struct ReadinessProbe: Sendable {
    /// The service is not ready, or did not say.
    package struct NotReady: Error, CustomStringConvertible {
        /// The reason, in one line.
        package let description: String
    }

    private static let timeout: TimeAmount = .seconds(2)

    private let host: String
    private let port: Int

    /// - Parameters:
    ///   - host: what the service listens on; where that is every address, the loopback address is asked.
    ///   - port: its admin port.
    package init(host: String, port: Int) {
        switch host {
        case "0.0.0.0": self.host = "127.0.0.1"
        case "::": self.host = "::1"
        default: self.host = host
        }
        self.port = port
    }

    /// Returns if the service is ready.
    ///
    /// - Throws: ``NotReady`` with the reason.
    package func check() async throws {
        let status: HTTPResponseStatus
        do {
            status = try await request()
        } catch {
            throw NotReady(description: "no answer from \(host):\(port): \(error)")
        }
        guard status == .ok else { throw NotReady(description: "\(host):\(port) answers \(status.code)") }
    }

    private func request() async throws -> HTTPResponseStatus {
        let group = MultiThreadedEventLoopGroup.singleton
        let answer = group.any().makePromise(of: HTTPResponseStatus.self)
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(Self.timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(StatusHandler(answer: answer))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: host, port: port).get()
        } catch {
            answer.fail(error)
            throw error
        }
        let expiry = channel.eventLoop.scheduleTask(in: Self.timeout) {
            answer.fail(ChannelError.connectTimeout(Self.timeout))
        }
        defer {
            expiry.cancel()
            channel.close(promise: nil)
        }
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let fields = HTTPHeaders([("Host", authority), ("Connection", "close")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: AdminRoute.readiness.rawValue, headers: fields)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await answer.futureResult.get()
    }
}

/// Takes the status out of an answer.
private final class StatusHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<HTTPResponseStatus>

    init(answer: EventLoopPromise<HTTPResponseStatus>) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            answer.succeed(head.status)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(ChannelError.eof)
    }
}
