import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import NIOSSL
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import OTLPTracing

/// A collector on loopback that answers as a test wants it to.
final class Collector: Sendable {
    struct Received: Sendable {
        let head: HTTPRequestHead
        /// The body, decompressed.
        let body: [UInt8]

        var message: MessageExportTraceServiceRequest {
            get throws { try MessageExportTraceServiceRequest(serializedBytes: body) }
        }

        var spans: [MessageSpan] {
            get throws { try message.resourceSpans.flatMap { $0.scopeSpans.flatMap(\.spans) } }
        }
    }

    enum Answer: Sendable {
        case respond(HTTPResponseStatus, HTTPHeaders = [:], [UInt8] = [])
        /// Begins to answer 200, and says no more.
        case stall
        /// Closes the connection without a word.
        case hangUp
        case nothing
    }

    /// What the channels share with the test.
    private final class Desk: Sendable {
        let requests: AsyncStream<Received>
        let request: AsyncStream<Received>.Continuation
        let answers: Mutex<[Answer]>

        init(_ answers: [Answer]) {
            (requests, request) = AsyncStream.makeStream()
            self.answers = Mutex(answers)
        }

        func answer(_ received: Received) -> Answer {
            request.yield(received)
            return answers.withLock { $0.isEmpty ? .respond(.ok) : $0.removeFirst() }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = NIOHTTPServerRequestFull
        typealias OutboundOut = HTTPServerResponsePart

        private let desk: Desk

        init(_ desk: Desk) { self.desk = desk }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let request = unwrapInboundIn(data)
            let body = request.body.map { Array($0.readableBytesView) } ?? []
            switch desk.answer(Received(head: request.head, body: body)) {
            case .nothing: break
            case .stall:
                let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "10"])
                context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            case .hangUp: context.close(promise: nil)
            case .respond(let status, let headers, let body):
                var head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
                head.headers.add(name: "Content-Length", value: "\(body.count)")
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }

    let port: Int
    private let channel: any Channel
    private let desk: Desk

    /// - Parameters:
    ///   - answers: to the first requests; later ones get 200.
    ///   - certificates: nil: without TLS.
    static func start(_ answers: [Answer] = [], certificates: Certificates? = nil) async throws -> Collector {
        let desk = Desk(answers)
        let tls = try certificates.map { certificates in
            try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.serverCertificate).map {
                        .certificate($0)
                    },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.serverKey, format: .pem))
                )
            )
        }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(NIOHTTPRequestDecompressor(limit: .size(1 << 24)))
                    try pipeline.addHandler(NIOHTTPServerRequestAggregator(maxContentLength: 1 << 24))
                    try pipeline.addHandler(Handler(desk))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Collector(channel: channel, desk: desk)
    }

    private init(channel: any Channel, desk: Desk) {
        self.channel = channel
        self.desk = desk
        port = channel.localAddress?.port ?? 0
    }

    deinit {
        channel.close(promise: nil)
    }

    /// The next request, as soon as there is one.
    func nextRequest() async -> Received? {
        for await request in desk.requests { return request }
        return nil
    }

    /// A tracer that sends to this collector, by real time.
    func tracer(
        _ variables: [String: String] = [:],
        retries: RetryPolicy = RetryPolicy(),
        logs: LogRecorder = LogRecorder(),
        shutdownTimeout: Duration = .seconds(10)
    ) throws -> OTLPTracer {
        let variables = variables.merging(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)"]) { own, _ in own }
        return try OTLPTracer(
            configuration: try OTLPTracingConfiguration(serviceName: "test") { variables[$0] },
            eventLoopGroup: nil,
            logger: logs.logger,
            shutdownTimeout: shutdownTimeout,
            time: .system,
            retries: retries
        )
    }
}
