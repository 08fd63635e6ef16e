package import TestSupport

extension Certificates {
    /// What a redis-server needs to speak TLS.
    ///
    /// - Parameter server: `server`, which has the name `localhost` and the address 127.0.0.1, or `named`, which has only the name.
    package func serverOptions(_ server: String = "server", asksClients: Bool) -> [String] {
        [
            "--tls-cert-file", path("\(server).crt"), "--tls-key-file", path("\(server).key"), "--tls-ca-cert-file",
            authority,
            "--tls-auth-clients", asksClients ? "yes" : "no",
        ]
    }
}
