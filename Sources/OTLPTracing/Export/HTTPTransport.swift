internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization
internal import Tracing

/// Sends requests with AsyncHTTPClient: no redirects, no traces of its own, no long answers.
final class HTTPTransport: ExportTransport {
    private static let longestAnswer = 65_536

    private let exporter: OTLPExporterConfiguration
    private let configuration: HTTPClient.Configuration
    private let eventLoopGroup: any EventLoopGroup
    /// Made for the first request, gone after shutdown.
    private let client = Mutex<HTTPClient?>(nil)

    /// - Throws: that the file with certificates is of no use.
    init(_ exporter: OTLPExporterConfiguration, eventLoopGroup: any EventLoopGroup) throws(OTLPConfigurationError) {
        self.exporter = exporter
        self.eventLoopGroup = eventLoopGroup
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        // A collector that does not say goodbye does not delay a shutdown for longer.
        tls.shutdownTimeout = .milliseconds(500)
        if let path = exporter.certificateFile {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw OTLPConfigurationError(
                    "OTEL_EXPORTER_OTLP_CERTIFICATE",
                    held: path,
                    expected: "the path of a PEM file with certificates"
                )
            }
        }
        let timeout = TimeAmount(exporter.timeout)
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: timeout, read: timeout, write: timeout),
            connectionPool: .init(idleTimeout: .seconds(60), concurrentHTTP1ConnectionsPerHostSoftLimit: 1)
        )
        // Attempts are counted and spaced in one place only, the exporter.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        self.configuration = configuration
    }

    func send(_ body: [UInt8], encoding: String?) async throws -> ExportResponse {
        try Task.checkCancellation()
        var request = HTTPClientRequest(url: exporter.endpoint.url)
        request.method = .POST
        for field in exporter.headers.fields {
            request.headers.add(name: field.name, value: field.value)
        }
        if !request.headers.contains(name: "User-Agent") {
            request.headers.add(name: "User-Agent", value: InstrumentationLibrary.userAgent)
        }
        request.headers.add(name: "Content-Type", value: "application/x-protobuf")
        if let encoding {
            request.headers.add(name: "Content-Encoding", value: encoding)
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await openClient().execute(request, timeout: TimeAmount(exporter.timeout))
        // What is too long or breaks off does not change what the status says.
        let answer = try? await response.body.collect(upTo: Self.longestAnswer)
        return ExportResponse(
            status: Int(response.status.code),
            retryAfter: response.headers.first(name: "Retry-After"),
            body: answer.map { Array($0.readableBytesView) } ?? []
        )
    }

    func shutdown() async {
        let client = client.withLock { $0.take() }
        try? await client?.shutdown().get()
    }

    private func openClient() -> HTTPClient {
        client.withLock { client in
            if let client { return client }
            let opened = HTTPClient(eventLoopGroup: eventLoopGroup, configuration: configuration)
            client = opened
            return opened
        }
    }
}
