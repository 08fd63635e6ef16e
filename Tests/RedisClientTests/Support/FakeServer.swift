import NIOCore
import NIOPosix
import RESP
import RedisClient
import Synchronization

/// A server that answers as a test wants it to.
final class FakeServer: Sendable {
    /// What to do about a command.
    enum Answer: Sendable {
        /// Write this.
        case write(String)
        /// Write this after some time.
        case writeLater(TimeAmount, String)
        /// Write this byte by byte, with time in between.
        case trickle(TimeAmount, String)
        /// Write this and close.
        case writeAndClose(String)
        /// Say nothing.
        case nothing
    }

    typealias Behaviour = @Sendable (_ words: [String]) -> Answer

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let behaviour: Behaviour
        var decoder = RESPDecoder()

        init(behaviour: @escaping Behaviour) { self.behaviour = behaviour }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            decoder.append(unwrapInboundIn(data))
            while let command = try? decoder.next() {
                answer(behaviour(command.elements?.map { $0.text ?? "" } ?? []), on: context.channel)
            }
        }

        private func answer(_ answer: Answer, on channel: any Channel) {
            switch answer {
            case .write(let text): channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
            case .writeLater(let delay, let text):
                channel.eventLoop.scheduleTask(in: delay) {
                    channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
                }
            case .trickle(let pause, let text):
                for (index, byte) in text.utf8.enumerated() {
                    let delay = TimeAmount.nanoseconds(pause.nanoseconds * Int64(index))
                    channel.eventLoop.scheduleTask(in: delay) {
                        channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
                    }
                }
            case .writeAndClose(let text):
                channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
            case .nothing: break
            }
        }
    }

    let port: Int
    private let channel: any Channel
    private let accepted: Accepted

    /// Counts connections.
    private final class Accepted: Sendable {
        let count = Mutex(0)
    }

    /// How many connections there have been.
    var connectionCount: Int { accepted.count.withLock { $0 } }

    /// - Parameters:
    ///   - greetsFirst: what to write on each connection before anything is asked.
    ///   - closesAtOnce: whether to close each connection as soon as it is there.
    ///   - behaviour: what to do about each command but those of the handshake, unless `answersHandshake` is false.
    static func start(
        greetsFirst: String? = nil,
        closesAtOnce: Bool = false,
        answersHandshake: Bool = true,
        _ behaviour: @escaping Behaviour
    ) async throws -> FakeServer {
        let accepted = Accepted()
        let complete: Behaviour = { words in
            switch words.first {
            case "HELLO" where answersHandshake: .write("%1\r\n+role\r\n+master\r\n")
            case "PING" where answersHandshake: .write("+PONG\r\n")
            default: behaviour(words)
            }
        }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                accepted.count.withLock { $0 += 1 }
                if closesAtOnce { return channel.close() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(behaviour: complete))
                    if let greetsFirst {
                        channel.eventLoop.execute {
                            channel.writeAndFlush(ByteBuffer(string: greetsFirst), promise: nil)
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeServer(channel: channel, accepted: accepted)
    }

    private init(channel: any Channel, accepted: Accepted) {
        self.channel = channel
        self.accepted = accepted
        port = channel.localAddress?.port ?? 0
    }

    deinit {
        channel.close(promise: nil)
    }

    var configuration: RedisConfiguration {
        RedisConfiguration(endpoint: RedisEndpoint(host: "127.0.0.1", port: port))
    }
}
