/// Certificates made for one test run: an authority, servers and a client that it vouches for, and a stranger.
package final class Certificates: Sendable {
    private let directory: TemporaryDirectory

    package var authority: String { path("authority.crt") }
    package var stranger: String { path("stranger.crt") }
    package var serverKey: String { path("server.key") }
    package var clientCertificate: String { path("client.crt") }
    package var clientKey: String { path("client.key") }
    /// Of the name `localhost` and the address 127.0.0.1.
    package var serverCertificate: String { path("server.crt") }

    package init() async throws {
        directory = try TemporaryDirectory()
        for name in ["authority", "stranger"] {
            try await run(
                ["req", "-x509", "-days", "1", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).crt"]
                    + Self.newKey
            )
        }
        try await issue("server", alternativeNames: "DNS:localhost,IP:127.0.0.1")
        try await issue("named", alternativeNames: "DNS:localhost")
        try await issue("client", alternativeNames: "DNS:client")
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private func issue(_ name: String, alternativeNames: String) async throws {
        try await run(
            ["req", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).csr"] + Self.newKey
        )
        _ = try directory.write("subjectAltName=\(alternativeNames)\n", to: "\(name).ext")
        try await run([
            "x509", "-req", "-days", "1", "-in", "\(name).csr", "-CA", "authority.crt", "-CAkey", "authority.key",
            "-CAcreateserial", "-extfile", "\(name).ext", "-out", "\(name).crt",
        ])
    }

    private func run(_ arguments: [String]) async throws {
        try await LocalProgram.run("openssl", arguments, in: directory.path)
    }

    package func path(_ name: String) -> String { "\(directory.path)/\(name)" }
}
