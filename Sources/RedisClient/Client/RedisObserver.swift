/// Who is told what a client does, to count and to measure it. Methods are called often and on event loops: they must not block.
package protocol RedisObserver: Sendable {
    /// A command or a pipeline has ended.
    ///
    /// - Parameters:
    ///   - name: the command's name, or `PIPELINE`.
    ///   - endpoint: the server; nil if none was found.
    ///   - duration: from the call to its end.
    ///   - error: why it failed; nil for replies other than errors.
    func callEnded(name: String, endpoint: RedisEndpoint?, duration: Duration, error: RedisError?)

    /// Commands wait for replies on the connection that was just used.
    func queueDepthObserved(_ count: Int, endpoint: RedisEndpoint)

    /// A connection is ready.
    func connectionOpened(endpoint: RedisEndpoint)

    /// An attempt to connect failed, or a connection was lost.
    func connectionFailed(endpoint: RedisEndpoint, error: RedisError)

    /// The client's state has changed.
    func stateChanged(to state: RedisState)
}

extension RedisObserver {
    /// Does nothing.
    package func callEnded(name: String, endpoint: RedisEndpoint?, duration: Duration, error: RedisError?) {}
    /// Does nothing.
    package func queueDepthObserved(_ count: Int, endpoint: RedisEndpoint) {}
    /// Does nothing.
    package func connectionOpened(endpoint: RedisEndpoint) {}
    /// Does nothing.
    package func connectionFailed(endpoint: RedisEndpoint, error: RedisError) {}
    /// Does nothing.
    package func stateChanged(to state: RedisState) {}
}
