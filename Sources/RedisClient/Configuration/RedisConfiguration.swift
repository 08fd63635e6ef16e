package import RESP

/// How to reach Redis, and how much a client may take of time, memory and connections.
package struct RedisConfiguration: Sendable, Hashable {
    /// The server, or the first node of a cluster to ask.
    package var endpoint: RedisEndpoint
    /// The user to authenticate as; none means `default`.
    package var user: String?
    /// The password, if one is needed.
    package var password: RedisSecret?
    /// The database; a cluster has only 0.
    package var database: Int = 0
    /// How to secure connections; nil: not at all.
    package var tls: RedisTLS?
    /// Whether the server is a node of a cluster.
    package var isCluster = false
    /// The name that `CLIENT LIST` shows: visible ASCII without spaces.
    package var clientName: String? = "fibonacci-api"
    /// Connections to each node. Calls share them; more than two rarely help.
    package var connectionCount = 1
    /// How long to wait for what.
    package var timeouts = RedisTimeouts()
    /// How much may be in flight.
    package var limits = RedisLimits()
    /// When to try again to connect.
    package var backoff = BackoffPolicy()
    /// When to stop asking a server that fails.
    package var breaker = CircuitBreakerPolicy()

    /// A server without password and TLS, with defaults for everything else.
    package init(endpoint: RedisEndpoint) {
        self.endpoint = endpoint
    }

    var handshake: RESPHandshake {
        RESPHandshake(
            credentials: password.map { .init(user: user, password: $0.revealed) },
            clientName: clientName,
            database: database
        )
    }
}

/// How long a client waits for what.
package struct RedisTimeouts: Sendable, Hashable {
    /// For the replies to a call that names no time of its own.
    package var command: Duration = .milliseconds(25)
    /// For a connection: TCP, and then TLS and handshake together.
    package var connect: Duration = .seconds(1)
    /// Without traffic, until a `PING` is sent.
    package var keepAlive: Duration = .seconds(10)
    /// For any byte while replies are owed, until a connection is given up; commands that block must not block for longer.
    package var silence: Duration = .seconds(2)
    /// For owed replies when a connection is closed.
    package var close: Duration = .seconds(1)
    /// For the `PING` that finds out whether a failing server is well again.
    package var probe: Duration = .milliseconds(250)
    /// Between looks at a cluster's slots when nothing hints at a change.
    package var topologyRefresh: Duration = .seconds(30)

    /// The defaults.
    package init() {}
}

/// How much may be in flight on one connection, and how large replies may be.
package struct RedisLimits: Sendable, Hashable {
    /// Commands that wait for their replies.
    package var inFlightCommands = 4096
    /// Bytes of these commands.
    package var inFlightBytes = 16 << 20
    /// The size of replies.
    package var replies = RESPLimits()
    /// Commands in one pipeline.
    package var pipelineCommands = 1024
    /// How often a command follows a cluster's redirections or waits for it, before it fails.
    package var clusterAttempts = 8
    /// Nodes of a cluster; further ones are not connected to.
    package var clusterNodes = 256

    /// The defaults.
    package init() {}
}

/// How connections are secured. The server's certificate and name are always verified.
package struct RedisTLS: Sendable, Hashable {
    /// A PEM file of the authorities to trust in the place of the system's.
    package var authorityFile: String?
    /// A PEM file of this client's certificate chain.
    package var certificateFile: String?
    /// A PEM file of this client's private key.
    package var keyFile: String?
    /// The name to ask for and to verify, where it is not the host's.
    package var serverName: String?

    /// Trusts the system's authorities and shows no certificate, unless files are named.
    package init(
        authorityFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        serverName: String? = nil
    ) {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
    }
}
