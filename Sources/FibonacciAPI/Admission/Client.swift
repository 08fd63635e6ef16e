import RateLimiting

/// Whose budget a request spends.
struct Client: Sendable, Hashable {
    /// Its bucket.
    let key: ClientKey
    /// What logs call it: `192.0.2.1`, `2001:db8::/64` or `unknown`.
    let name: String

    init(_ key: ClientKey) {
        self.key = key
        name = key.description
    }
}
