import Testing

/// Certificates made for one test run: an authority, servers and a client that it vouches for, and a stranger.
final class Certificates: Sendable {
    private let directory: TemporaryDirectory

    var authority: String { path("authority.crt") }
    var stranger: String { path("stranger.crt") }
    var serverKey: String { path("server.key") }
    var clientCertificate: String { path("client.crt") }
    var clientKey: String { path("client.key") }

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["authority", "stranger"] {
            try run(
                ["req", "-x509", "-days", "1", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).crt"]
                    + Self.newKey
            )
        }
        try issue("server", alternativeNames: "DNS:localhost,IP:127.0.0.1")
        try issue("named", alternativeNames: "DNS:localhost")
        try issue("client", alternativeNames: "DNS:client")
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private func issue(_ name: String, alternativeNames: String) throws {
        try run(
            ["req", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).csr"] + Self.newKey
        )
        _ = try directory.write("subjectAltName=\(alternativeNames)\n", to: "\(name).ext")
        try run([
            "x509", "-req", "-days", "1", "-in", "\(name).csr", "-CA", "authority.crt", "-CAkey", "authority.key",
            "-CAcreateserial", "-extfile", "\(name).ext", "-out", "\(name).crt",
        ])
    }

    private func run(_ arguments: [String]) throws {
        try LocalProcess.run("openssl", arguments, in: directory.path)
    }

    func path(_ name: String) -> String { "\(directory.path)/\(name)" }

    /// What a redis-server needs to speak TLS.
    ///
    /// - Parameter server: `server`, which has the name `localhost` and the address 127.0.0.1, or `named`, which has only the name.
    func serverOptions(_ server: String = "server", asksClients: Bool) -> [String] {
        [
            "--tls-cert-file", path("\(server).crt"), "--tls-key-file", path("\(server).key"), "--tls-ca-cert-file",
            authority,
            "--tls-auth-clients", asksClients ? "yes" : "no",
        ]
    }
}
