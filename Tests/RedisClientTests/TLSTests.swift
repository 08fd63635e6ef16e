import NIOCore
import NIOPosix
import RESP
import RedisTestSupport
import TestSupport
import Testing

@testable import RedisClient

@Suite("TLS")
struct TLSTests {
    private func configuration(
        _ server: RedisServer,
        host: String = "127.0.0.1",
        _ tls: RedisTLS
    ) throws -> RedisConfiguration {
        var configuration = try RedisConfiguration(url: "rediss://\(host):\(server.port)")
        configuration.tls = tls
        return configuration
    }

    /// Why a client does not connect.
    private func refusal(_ configuration: RedisConfiguration) async throws -> String {
        let log = LogRecorder()
        return try await withClient(configuration, log: log) { client async throws in
            try await eventually("down: \(client.state)") { client.state.level == .down }
            return client.state.reason ?? ""
        }
    }

    @Test(
        "a server is trusted through a CA file, by its name and by its address",
        arguments: ["localhost", "127.0.0.1"]
    )
    func ownAuthority(host: String) async throws {
        let certificates = try await Certificates()
        let server = try await RedisServer(certificates.serverOptions(asksClients: false), plainPort: false)
        let tls = RedisTLS(authorityFile: certificates.authority)
        try await withConnectedClient(try configuration(server, host: host, tls)) { client async throws in
            #expect(try await client.reply(.set("k", "v")).text == "OK")
            let large = RESPArgument(String(repeating: "7", count: 1 << 20))
            #expect(try await client.reply(.set("large", large)).text == "OK")
            #expect(try await client.reply(.get("large")).bytes?.readableBytes == 1 << 20)
        }
    }

    @Test("a server that another authority vouches for is not trusted, nor is one with another name")
    func mistrust() async throws {
        let certificates = try await Certificates()
        let server = try await RedisServer(certificates.serverOptions("named", asksClients: false), plainPort: false)
        let refusals = [
            RedisTLS(authorityFile: certificates.stranger),
            RedisTLS(authorityFile: certificates.authority, serverName: "redis.example"),
            RedisTLS(authorityFile: certificates.authority),
            RedisTLS(),
        ]
        for tls in refusals {
            #expect(try await refusal(try configuration(server, tls)).contains("TLS failed"))
        }
        let named = RedisTLS(authorityFile: certificates.authority, serverName: "localhost")
        try await withConnectedClient(try configuration(server, named)) { client async throws in
            #expect(try await client.reply(.get("k")) == .null)
        }
    }

    @Test("a server that asks for a certificate gets it, and refuses a client that has none")
    func clientCertificate() async throws {
        let certificates = try await Certificates()
        let server = try await RedisServer(certificates.serverOptions(asksClients: true), plainPort: false)
        let tls = RedisTLS(
            authorityFile: certificates.authority,
            certificateFile: certificates.clientCertificate,
            keyFile: certificates.clientKey
        )
        try await withConnectedClient(try configuration(server, tls)) { client async throws in
            #expect(try await client.reply(.get("k")) == .null)
        }
        let none = RedisTLS(authorityFile: certificates.authority)
        #expect(try await !refusal(try configuration(server, none)).isEmpty)
    }

    @Test("TLS to a server without it, and none to a server with it, means down")
    func mismatch() async throws {
        let certificates = try await Certificates()
        let plain = try await RedisServer()
        let tls = RedisTLS(authorityFile: certificates.authority)
        #expect(try await !refusal(try configuration(plain, tls)).isEmpty)
        let secure = try await RedisServer(certificates.serverOptions(asksClients: false), plainPort: false)
        #expect(try await !refusal(secure.configuration).isEmpty)
    }

    @Test("files that are missing or hold something else are named before any connection is tried")
    func badFiles() async throws {
        let certificates = try await Certificates()
        let missing = certificates.path("none.crt")
        let refused: [(RedisTLS, String)] = [
            (RedisTLS(authorityFile: missing), missing),
            (RedisTLS(authorityFile: certificates.clientKey), certificates.clientKey),
            (RedisTLS(certificateFile: missing, keyFile: certificates.clientKey), missing),
            (
                RedisTLS(certificateFile: certificates.clientCertificate, keyFile: certificates.authority),
                certificates.authority
            ),
            (
                RedisTLS(certificateFile: certificates.clientCertificate, keyFile: certificates.serverKey),
                "do not go together"
            ),
        ]
        for (tls, reason) in refused {
            var configuration = RedisConfiguration(endpoint: RedisEndpoint(host: "127.0.0.1"))
            configuration.tls = tls
            do throws(RedisConfigurationError) {
                _ = try RedisStandaloneClient(
                    configuration: configuration,
                    group: MultiThreadedEventLoopGroup.singleton,
                    logger: LogRecorder().logger
                )
                Issue.record("no error for \(tls)")
            } catch {
                #expect(error.setting == .tls)
                #expect(error.description.contains(reason), "\(error)")
            }
        }
    }
}
