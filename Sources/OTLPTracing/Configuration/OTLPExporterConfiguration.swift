/// Where and how spans are sent.
package struct OTLPExporterConfiguration: Sendable, Hashable {
    /// How bodies are compressed.
    package enum Compression: String, Sendable, Hashable {
        /// Not at all.
        case none
        /// RFC 1952.
        case gzip
    }

    /// Where to.
    package var endpoint: OTLPEndpoint
    /// Header fields of every request.
    package var headers: OTLPHeaders
    /// How long one request may take.
    package var timeout: Duration
    /// How bodies are compressed.
    package var compression: Compression
    /// A PEM file with the certificates that are trusted instead of the system's.
    package var certificateFile: String?
}
