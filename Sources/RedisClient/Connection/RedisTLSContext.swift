internal import NIOCore
internal import NIOSSL

/// The files for TLS, read and understood.
struct RedisTLSContext: Sendable {
    private let context: NIOSSLContext
    private let serverName: String?

    /// How long a server may take to say goodbye, too.
    private static let shutdownTimeout = TimeAmount.milliseconds(500)

    /// Reads the files.
    ///
    /// - Throws: which of them is of no use.
    init(_ tls: RedisTLS) throws(RedisConfigurationError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = Self.shutdownTimeout
        if let path = tls.authorityFile {
            let certificates = try Self.read(path, "authorities") { try NIOSSLCertificate.fromPEMFile($0) }
            configuration.trustRoots = .certificates(certificates)
        }
        if let path = tls.certificateFile {
            configuration.certificateChain = try Self.read(path, "a certificate chain") {
                try NIOSSLCertificate.fromPEMFile($0).map(NIOSSLCertificateSource.certificate)
            }
        }
        if let path = tls.keyFile {
            configuration.privateKey = try Self.read(path, "a private key") {
                .privateKey(try NIOSSLPrivateKey(file: $0, format: .pem))
            }
        }
        serverName = tls.serverName
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw RedisConfigurationError(.tls, "they do not go together: \(error)")
        }
    }

    private static func read<Content>(
        _ path: String,
        _ expected: String,
        _ body: (String) throws -> Content
    ) throws(RedisConfigurationError) -> Content {
        do {
            return try body(path)
        } catch {
            throw RedisConfigurationError(.tls, "\(path): expected \(expected) in PEM: \(error)")
        }
    }

    /// Adds TLS to a channel that is being set up. Names are sent as SNI (RFC 6066 §3); addresses must not be, and are verified
    /// against those in the certificate.
    func addHandler(to channel: any Channel, endpoint: RedisEndpoint) throws {
        let name = serverName ?? (endpoint.isAddress ? nil : endpoint.host)
        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
    }
}
