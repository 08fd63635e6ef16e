/// The limits on everything that a client controls on a connection.
package struct ConnectionLimits: Sendable, Equatable {
    /// Open connections; further ones wait in the listen queue.
    package var maximumConnections = 8192
    /// Bytes of a request target.
    package var maximumTargetLength = 8192
    /// Bytes of all field names and values together.
    package var maximumHeaderSectionSize = 16384
    /// Number of fields.
    package var maximumFieldCount = 100
    /// Bytes of a request body, which is read and thrown away.
    package var maximumBodySize = 65536
    /// How long a connection may stay without a request.
    package var idleTimeout: Duration = .seconds(75)
    /// How long the header section may take from its first byte, and the body from there.
    package var requestTimeout: Duration = .seconds(10)
    /// How long a client may take nothing of its answer.
    package var writeTimeout: Duration = .seconds(30)
    /// How often it is looked whether a client that is behind takes its answer.
    package var outputCheckInterval: Duration = .milliseconds(250)
    /// How long the other direction stays open after the last answer, so that the client can read it.
    package var lingerTimeout: Duration = .seconds(2)
    /// How long an idle connection may still begin a request once the server has begun to close.
    package var quiesceGrace: Duration = .milliseconds(100)
    /// How long a client that has closed its side waits for its answer before it is asked whether it is still there.
    package var probeDelay: Duration = .milliseconds(250)
    /// How often it is asked from then on.
    package var probeInterval: Duration = .seconds(1)

    package init() {}
}
