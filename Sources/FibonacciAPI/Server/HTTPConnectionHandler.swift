import HTTPTypes
import NIOCore
import NIOHTTP1

/// Turns parsed HTTP/1.1 into whole requests and whole answers into HTTP/1.1, and enforces the limits of a connection.
///
/// The decisions are ``ConnectionStateMachine``'s. Unlike the pipeline that comes with the server package, this one answers what it
/// cannot parse with a problem document, closes without losing the last answer, and bounds every wait.
final class HTTPConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = IncomingRequest
    typealias OutboundIn = OutgoingResponse
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    private let peer: Peer
    private let answerFault: @Sendable (ConnectionFault, IncomingRequest?, Peer) -> OutgoingResponse
    private let isDraining: @Sendable () -> Bool

    private var machine: ConnectionStateMachine
    private var trace = RequestTrace()
    private var request: IncomingRequest?
    private var faultyRequest: IncomingRequest?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var expectsContinue = false
    private var writtenBytes = 0

    init(
        limits: ConnectionLimits,
        peer: Peer,
        answerFault: @escaping @Sendable (ConnectionFault, IncomingRequest?, Peer) -> OutgoingResponse,
        isDraining: @escaping @Sendable () -> Bool
    ) {
        self.limits = limits
        self.peer = peer
        self.answerFault = answerFault
        self.isDraining = isDraining
        self.machine = ConnectionStateMachine(limits: limits, now: .now())
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        updateTimer(context)
    }

    func channelActive(context: ChannelHandlerContext) {
        updateTimer(context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
    }

    // MARK: Input

    /// Sees bytes before the parser does.
    ///
    /// - Returns: whether the parser shall see them.
    func bytesReceived(_ bytes: ByteBuffer) -> Bool {
        guard !machine.discardsInput else { return false }
        trace.received(bytes, beginsRequest: machine.isBetweenRequests)
        machine.bytesReceived(at: .now())
        return true
    }

    /// Is told when the parser has seen the bytes.
    func bytesParsed() {
        if machine.isBetweenRequests { trace.clear() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !machine.discardsInput else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            headReceived(head, context)
        case .body(let bytes):
            expectsContinue = false
            if let fault = machine.bodyReceived(bytes.readableBytes) {
                faulted(fault, of: request, context)
            }
        case .end:
            guard let request else { return }
            self.request = nil
            expectsContinue = false
            trace.completedRequest()
            machine.requestReceived(at: .now())
            context.fireChannelRead(wrapInboundOut(request))
        }
    }

    private func headReceived(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // The parser stops at a protocol upgrade, which is not offered: the connection ends with this answer.
        let isUpgrade =
            head.method == .CONNECT || (head.headers.contains(name: "Upgrade") && head.hasConnectionOption("upgrade"))
        let contentLength = head.headers.first(name: "Content-Length").flatMap { Int($0) }
        let fault = machine.headReceived(
            isKeepAlive: head.isKeepAlive && !isUpgrade,
            isHTTP10: head.version == .http1_0,
            contentLength: contentLength,
            at: .now()
        )
        do throws(ConnectionFault) {
            request = try RequestHeadValidation.request(from: head, limits: limits)
            if let fault { throw fault }
        } catch {
            faulted(error, of: request ?? RequestHeadValidation.faultyRequest(from: head, limits: limits), context)
            return
        }
        let hasBody = contentLength ?? 0 > 0 || head.headers.contains(name: "Transfer-Encoding")
        expectsContinue =
            hasBody && head.version == .http1_1
            && head.headers[canonicalForm: "Expect"].contains { $0.lowercased() == "100-continue" }
        continueIfExpected(context)
    }

    /// Behind answers that are owed, the interim response would be taken for one of them: it waits.
    private func continueIfExpected(_ context: ChannelHandlerContext) {
        guard expectsContinue, machine.owedCount == 0 else { return }
        expectsContinue = false
        writeContinue(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        updateTimer(context)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let fault = RequestHeadValidation.fault(for: error, trace: trace, limits: limits) {
            faulted(fault, of: request, context)
        } else {
            // A broken transport: there is nobody to tell.
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            machine.quiesce(at: .now())
            updateTimer(context)
        case ChannelEvent.inputClosed:
            machine.inputClosed(at: .now())
            updateTimer(context)
            context.fireUserInboundEventTriggered(event)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func faulted(_ fault: ConnectionFault, of faulty: IncomingRequest?, _ context: ChannelHandlerContext) {
        request = nil
        faultyRequest = faulty
        if machine.faulted(fault) {
            writeFault(fault, context)
        }
    }

    // MARK: Output

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let plan = machine.answer(isDraining: isDraining(), at: .now())
        write(unwrapOutboundIn(data), connectionField: plan.connectionField, context, promise: promise)
        switch plan.then {
        case .keepOpen: continueIfExpected(context)
        case .closeOutput: closeOutput(context)
        case .answerFault(let fault): writeFault(fault, context)
        }
        updateTimer(context)
    }

    private func write(
        _ response: OutgoingResponse,
        connectionField: ConnectionStateMachine.AnswerPlan.ConnectionField,
        _ context: ChannelHandlerContext,
        promise: EventLoopPromise<Void>?
    ) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(response.fields.count + 1)
        for field in response.fields {
            headers.add(name: field.name.rawName, value: field.value)
        }
        switch connectionField {
        case .absent: break
        case .keepAlive: headers.add(name: "Connection", value: "keep-alive")
        case .close: headers.add(name: "Connection", value: "close")
        }
        let status = HTTPResponseStatus(statusCode: response.status.code, reasonPhrase: response.status.reasonPhrase)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body = response.body {
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    private func writeFault(_ fault: ConnectionFault, _ context: ChannelHandlerContext) {
        write(answerFault(fault, faultyRequest, peer), connectionField: .close, context, promise: nil)
        closeOutput(context)
    }

    /// Tells the client to go on; also shows, by the reset that comes back, that a client has gone (RFC 9110 §15.2: a client
    /// has to take an interim response that it did not ask for).
    private func writeContinue(_ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func closeOutput(_ context: ChannelHandlerContext) {
        flush(context: context)
        context.close(mode: .output, promise: nil)
        machine.outputClosed(at: .now())
        updateTimer(context)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            machine.outputClosed(at: .now())
            updateTimer(context)
        }
        context.close(mode: mode, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        checkOutput(context)
    }

    /// Counts bytes on their way to the socket.
    func bytesWritten(_ count: Int) {
        writtenBytes += count
    }

    private func checkOutput(_ context: ChannelHandlerContext) {
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if machine.outputObserved(flushed: writtenBytes - buffered, isPending: buffered > 0, at: .now()) {
            context.close(promise: nil)
        }
        updateTimer(context)
    }

    // MARK: Time

    private func updateTimer(_ context: ChannelHandlerContext) {
        guard let deadline = machine.deadline, context.channel.isActive else { return }
        // A timer that is early looks again when it fires; moving it with each request would cost more.
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timerFired(context)
        }
        timer = (task, deadline)
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        switch machine.timerFired(at: .now()) {
        case .none: break
        case .close: context.close(promise: nil)
        case .answerFault(let fault):
            faultyRequest = request
            request = nil
            writeFault(fault, context)
        case .probe: writeContinue(context)
        case .checkOutput: checkOutput(context)
        }
        updateTimer(context)
    }
}

@available(*, unavailable)
extension HTTPConnectionHandler: Sendable {}

extension HTTPRequestHead {
    /// Whether `Connection` lists `option` (RFC 9110 §7.6.1).
    fileprivate func hasConnectionOption(_ option: String) -> Bool {
        headers[canonicalForm: "Connection"].contains { $0.lowercased() == option }
    }
}
