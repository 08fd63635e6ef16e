internal import NIOCore
internal import RESP

/// Carries out what ``RESPConnectionStateMachine`` says, on a channel. All of it runs on the channel's event loop.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: RedisEndpoint
    private let password: RedisSecret?
    private let mailbox: CallMailbox
    private let greeting: EventLoopPromise<RESPGreeting>
    private let handshake: RESPHandshake
    private let timing: RESPConnectionTiming
    private var machine: RESPConnectionStateMachine<PendingCall>?
    private var decoder: RESPDecoder
    private var context: ChannelHandlerContext?
    private var timer: (callback: NIOScheduledCallback, at: NIODeadline)?
    /// Until when nothing expires, because the event loop has not run for a while, and how many times in a row that was so.
    private var respite: (until: NIODeadline, count: Int)?

    /// A timer that is later than this is the fault of this process, which was not given a processor: a container at its limit is stopped for
    /// most of each tenth of a second.
    private static let tolerance: TimeAmount = .milliseconds(5)
    /// Time to read what has come meanwhile: replies that lie in the socket were in time.
    private static let respiteDuration: TimeAmount = .milliseconds(5)
    /// An event loop that is always late must still come to an end.
    private static let largestRespiteCount = 3

    init(
        configuration: RedisConfiguration,
        endpoint: RedisEndpoint,
        mailbox: CallMailbox,
        greeting: EventLoopPromise<RESPGreeting>
    ) {
        self.endpoint = endpoint
        self.mailbox = mailbox
        self.greeting = greeting
        password = configuration.password
        handshake = configuration.handshake
        timing = RESPConnectionTiming(
            handshakeTimeout: TimeAmount(configuration.timeouts.connect),
            keepAliveInterval: TimeAmount(configuration.timeouts.keepAlive),
            silenceTimeout: TimeAmount(configuration.timeouts.silence),
            closeTimeout: TimeAmount(configuration.timeouts.close)
        )
        decoder = RESPDecoder(limits: configuration.limits.replies)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(connectionClosed("the connection is gone"))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        machine?.bytesReceived(at: .now())
        decoder.append(unwrapInboundIn(data))
        do throws(RESPDecodingError) {
            while let value = try decoder.next() { receive(value, context) }
        } catch {
            close(fault: .malformedReply(error))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if machine?.isDrained == true { context.close(promise: nil) }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(connectionClosed("the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(RedisError.transport(error, endpoint: endpoint))
        context.close(promise: nil)
    }

    // MARK: What the connection asks for

    /// Writes all that waits in the mailbox, with one flush.
    func drainMailbox() {
        let calls = mailbox.takeWaiting()
        guard let context, !calls.isEmpty else { return calls.forEach { $0.fail(closedError) } }
        let now = NIODeadline.now()
        var output = context.channel.allocator.buffer(capacity: calls.reduce(0) { $0 + $1.byteCount })
        for call in calls { admit(call, into: &output, at: now) }
        if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
        schedule()
    }

    /// Takes no more calls, and closes when the replies that are owed have come, or after a while.
    func closeGracefully() {
        mailbox.close(RedisError(.connectionClosed, "the connection is being closed", endpoint: endpoint))
        // What was left before goes out before.
        drainMailbox()
        guard let context else { return }
        if machine == nil || machine?.closeGracefully(at: .now()) == true { context.close(promise: nil) }
        schedule()
    }
}

extension RedisChannelHandler: NIOScheduledCallbackHandler {
    func handleScheduledCallback(eventLoop: some EventLoop) {
        let due = timer?.at
        timer = nil
        let now = NIODeadline.now()
        let count = respite?.count ?? 0
        if let due, now - due > Self.tolerance, count < Self.largestRespiteCount {
            respite = (now + Self.respiteDuration, count + 1)
            return schedule()
        }
        respite = nil
        guard let action = machine?.timerFired(at: now) else { return }
        for call in action.expired {
            call.fail(RedisError(.timeout, "no reply in time", endpoint: endpoint))
        }
        if action.sendsKeepAlive { write([RESPConnectionStateMachine<PendingCall>.keepAliveCommand]) }
        if let fault = action.fault { close(fault: fault) }
        schedule()
    }

    /// A timer that is too early costs a look; so it is set anew only where something is due before it.
    private func schedule() {
        guard let context, var deadline = machine?.deadline else { return }
        if let respite { deadline = max(deadline, respite.until) }
        if let timer {
            if timer.at <= deadline { return }
            timer.callback.cancel()
        }
        let loop = context.eventLoop.assumeIsolated()
        timer = (try? loop.scheduleCallback(at: deadline, handler: self)).map { ($0, deadline) }
    }
}

extension RedisChannelHandler {
    private func begin(_ context: ChannelHandlerContext) {
        guard machine == nil else { return }
        let machine = RESPConnectionStateMachine<PendingCall>(handshake: handshake, timing: timing, now: .now())
        self.machine = machine
        write(machine.openingCommands)
        schedule()
    }

    private func receive(_ value: RESPValue, _ context: ChannelHandlerContext) {
        switch machine?.received(value, at: .now()) {
        case .reply(let call, let value, let isLast):
            // Before the caller learns of it: it may send the next call at once.
            if isLast { mailbox.release(call) }
            call.receive(value, isLast: isLast)
        case .drop(let finished):
            finished.map(mailbox.release)
        case .write(let commands):
            write(commands)
        case .ready(let server):
            greeting.succeed(server)
            schedule()
        case .close(let fault):
            close(fault: fault)
        case .push, nil:
            break
        }
    }

    private func admit(_ call: PendingCall, into output: inout ByteBuffer, at now: NIODeadline) {
        // Late by its own process, not by Redis, whose time begins now.
        let delay = now - call.departure
        let deadline = delay > Self.tolerance ? call.deadline + delay : call.deadline
        guard !call.isEnded, now < deadline else {
            mailbox.release(call)
            return call.fail(RedisError(.expiredUnsent, "not sent: its time was over before", endpoint: endpoint))
        }
        // Each command has an `ASKING` before it or none has; asking pipelines have one command.
        let isTaken = machine?.enqueue(
            call,
            replies: call.commands.count,
            skipping: call.isAsking ? 1 : 0,
            deadline: deadline,
            at: now
        )
        guard isTaken == true else { return call.fail(closedError) }
        if call.isAsking { output.writeRESPCommand(["ASKING"]) }
        for command in call.commands { output.writeRESPCommand(command.words) }
    }

    private func write(_ commands: [[RESPArgument]]) {
        guard let context else { return }
        var output = context.channel.allocator.buffer(capacity: 256)
        for command in commands { output.writeRESPCommand(command) }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    private func close(fault: RESPConnectionFault) {
        end(RedisError.fault(fault, endpoint: endpoint, hiding: password))
        context?.close(promise: nil)
    }

    /// Nothing is owed any more, for this reason; the first reason is what everyone is told.
    private func end(_ reason: RedisError) {
        mailbox.close(reason)
        let reason = mailbox.closeReason ?? reason
        greeting.fail(reason)
        timer?.callback.cancel()
        timer = nil
        for call in (machine?.closed() ?? []) + mailbox.takeWaiting() { call.fail(reason) }
    }

    private var closedError: RedisError {
        mailbox.closeReason ?? connectionClosed("the connection is closed")
    }

    private func connectionClosed(_ message: String) -> RedisError {
        RedisError(.connectionClosed, message, endpoint: endpoint)
    }
}
