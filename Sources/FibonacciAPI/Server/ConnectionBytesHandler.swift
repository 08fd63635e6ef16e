import NIOCore

/// Shows bytes to an ``HTTPConnectionHandler`` on the side of the socket: what comes before it is parsed, and how much goes.
final class ConnectionBytesHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let connection: HTTPConnectionHandler

    init(connection: HTTPConnectionHandler) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if connection.bytesReceived(unwrapInboundIn(data)) {
            context.fireChannelRead(data)
            connection.bytesParsed()
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        connection.bytesWritten(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }
}

@available(*, unavailable)
extension ConnectionBytesHandler: Sendable {}
