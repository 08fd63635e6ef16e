internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RESP

/// Makes connections to one server: TCP, TLS, handshake.
struct RedisConnector: Sendable {
    let configuration: RedisConfiguration
    let endpoint: RedisEndpoint
    let group: any EventLoopGroup

    /// Connects on one of the group's event loops.
    ///
    /// - Throws: why it is not possible now; the files for TLS are read anew each time, since platforms replace them.
    func connect() async throws(RedisError) -> RedisConnection {
        let tls: RedisTLSContext?
        do throws(RedisConfigurationError) {
            tls = try configuration.tls.map { tls throws(RedisConfigurationError) in try RedisTLSContext(tls) }
        } catch {
            throw RedisError(.tls, error.problem, endpoint: endpoint, cause: error)
        }
        do {
            let attempt = try await bootstrap.connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, tls) }
            }
            let greeting = try await withTaskCancellationHandler {
                try await attempt.greeting.get()
            } onCancel: {
                attempt.channel.close(promise: nil)
            }
            return RedisConnection(
                endpoint: endpoint,
                greeting: greeting,
                channel: attempt.channel,
                handler: attempt.handler,
                mailbox: attempt.mailbox
            )
        } catch {
            throw RedisError.transport(error, endpoint: endpoint)
        }
    }

    /// What belongs to one channel. A host with several addresses is tried with several channels, of which one remains.
    private struct Attempt: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<RedisChannelHandler>
        let mailbox: CallMailbox
        let greeting: EventLoopFuture<RESPGreeting>
    }

    private var bootstrap: ClientBootstrap {
        ClientBootstrap(group: group.next())
            .connectTimeout(TimeAmount(configuration.timeouts.connect))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
    }

    private func prepare(_ channel: any Channel, _ tls: RedisTLSContext?) throws -> Attempt {
        let mailbox = CallMailbox(limits: configuration.limits, endpoint: endpoint)
        let greeting = channel.eventLoop.makePromise(of: RESPGreeting.self)
        let handler = RedisChannelHandler(
            configuration: configuration,
            endpoint: endpoint,
            mailbox: mailbox,
            greeting: greeting
        )
        do {
            if let tls { try tls.addHandler(to: channel, endpoint: endpoint) }
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            greeting.fail(error)
            throw error
        }
        return Attempt(
            channel: channel,
            handler: NIOLoopBound(handler, eventLoop: channel.eventLoop),
            mailbox: mailbox,
            greeting: greeting.futureResult
        )
    }
}
