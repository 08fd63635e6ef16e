internal import NIOCore
internal import RESP

/// A connection that takes calls from any thread.
final class RedisConnection: Sendable {
    let endpoint: RedisEndpoint
    let greeting: RESPGreeting
    private let channel: any Channel
    private let handler: NIOLoopBound<RedisChannelHandler>
    private let mailbox: CallMailbox
    private let retirement: EventLoopPromise<Void>

    init(
        endpoint: RedisEndpoint,
        greeting: RESPGreeting,
        channel: any Channel,
        handler: NIOLoopBound<RedisChannelHandler>,
        mailbox: CallMailbox
    ) {
        self.endpoint = endpoint
        self.greeting = greeting
        self.channel = channel
        self.handler = handler
        self.mailbox = mailbox
        retirement = channel.eventLoop.makePromise()
        channel.closeFuture.cascade(to: retirement)
    }

    /// Whether calls are taken.
    var isOpen: Bool { mailbox.closeReason == nil }

    /// Why no calls are taken any more; nil while they are.
    var closeReason: RedisError? { mailbox.closeReason }

    /// Commands that wait for their replies.
    var inFlightCount: Int { mailbox.commandCount }

    /// Sends a call and waits for its replies, its deadline or the task's cancellation, whichever is first.
    func perform(_ call: PendingCall) async -> PendingCall.Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                call.wait(continuation)
                submit(call)
            }
        } onCancel: {
            call.fail(RedisError(.cancelled, "the task was cancelled", endpoint: endpoint))
        }
    }

    private func submit(_ call: PendingCall) {
        switch mailbox.submit(call) {
        case .accepted: break
        case .acceptedNeedsWakeUp: channel.eventLoop.execute { [handler] in handler.value.drainMailbox() }
        case .refused(let error): call.fail(error)
        }
    }

    /// Takes no more calls, and closes when the replies that are owed have come, or after a while.
    func closeGracefully() {
        channel.eventLoop.execute { [handler] in handler.value.closeGracefully() }
    }

    /// Asks its owner for a new connection in its place. It serves until then.
    func retire() {
        retirement.succeed()
    }

    /// Waits until the connection is closed or retired.
    func waitUntilRetired() async {
        try? await retirement.futureResult.get()
    }

    /// Waits until the connection is closed.
    func waitUntilClosed() async {
        try? await channel.closeFuture.get()
    }
}
