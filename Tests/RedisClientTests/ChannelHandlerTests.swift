import NIOCore
import NIOEmbedded
import RESP
import Testing

@testable import RedisClient

@Suite("The handler of a connection")
struct ChannelHandlerTests {
    private let channel = EmbeddedChannel()
    private let mailbox: CallMailbox
    private let handler: RedisChannelHandler

    init() throws {
        let endpoint = RedisEndpoint(host: "redis")
        let configuration = RedisConfiguration(endpoint: endpoint)
        mailbox = CallMailbox(limits: configuration.limits, endpoint: endpoint)
        handler = RedisChannelHandler(
            configuration: configuration,
            endpoint: endpoint,
            mailbox: mailbox,
            greeting: channel.eventLoop.makePromise()
        )
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6379)).wait()
        #expect(try sent()?.hasPrefix("*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n") == true)
        try channel.writeInbound(ByteBuffer(string: "%0\r\n"))
        #expect(try sent() == "*1\r\n$4\r\nPING\r\n")
        try channel.writeInbound(ByteBuffer(string: "+PONG\r\n"))
    }

    private func sent() throws -> String? {
        try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }
    }

    private func submit(_ command: RedisCommand, timeout: TimeAmount = .seconds(60)) -> (PendingCall, isFirst: Bool) {
        let call = PendingCall([command], deadline: .now() + timeout)
        if case .acceptedNeedsWakeUp = mailbox.submit(call) { return (call, true) }
        return (call, false)
    }

    @Test("calls that come together are written with one flush, and wake the event loop once")
    func oneFlush() throws {
        let wakeUps = (0..<100).count { submit(.get("k\($0)")).isFirst }
        #expect(wakeUps == 1)
        #expect(try sent() == nil)
        handler.drainMailbox()
        let text = try sent()
        #expect(text?.hasPrefix("*2\r\n$3\r\nGET\r\n$2\r\nk0\r\n*2\r\n") == true)
        #expect(text?.hasSuffix("$3\r\nk99\r\n") == true)
        #expect(try sent() == nil)
        #expect(submit(.get("k")).isFirst)
    }

    @Test("a call whose time is over before it is sent is not sent")
    func expiredBeforeSending() throws {
        let (call, _) = submit(.get("late"), timeout: .nanoseconds(0))
        _ = submit(.get("k"))
        handler.drainMailbox()
        #expect(call.isEnded)
        #expect(try sent() == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        #expect(mailbox.commandCount == 1)
    }

    @Test("places in the queue are free when replies have come, and only then")
    func places() throws {
        for _ in 0..<3 { _ = submit(.ping) }
        handler.drainMailbox()
        try channel.writeInbound(ByteBuffer(string: "+PONG\r\n+PO"))
        #expect(mailbox.commandCount == 2)
        try channel.writeInbound(ByteBuffer(string: "NG\r\n+PONG\r\n"))
        #expect(mailbox.commandCount == 0)
    }

    @Test("what is left in the mailbox when the connection ends is failed, and nothing more is taken")
    func end() throws {
        let (call, _) = submit(.ping)
        try channel.close().wait()
        #expect(call.isEnded)
        guard case .refused(let error) = mailbox.submit(PendingCall([.ping], deadline: .distantFuture)) else {
            Issue.record("taken")
            return
        }
        #expect(error.code == .connectionClosed)
    }

    @Test("a graceful close sends what was left before, takes nothing more and waits for the replies")
    func gracefulClose() throws {
        _ = submit(.get("k"))
        handler.closeGracefully()
        #expect(try sent() == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        #expect(channel.isActive)
        guard case .refused = mailbox.submit(PendingCall([.ping], deadline: .distantFuture)) else {
            Issue.record("taken")
            return
        }
        try channel.writeInbound(ByteBuffer(string: "$-1\r\n"))
        #expect(!channel.isActive)
    }
}
