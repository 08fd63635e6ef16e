import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP/1.1 connections of a server: sets up each channel and serves its requests in order.
struct HTTP1ServerChannel<Responder: HTTPResponder>: ServerChildChannel {
    /// An accepted connection.
    ///
    /// One that is accepted while the listener closes may be dropped on the way to ``handle(value:logger:)``. A
    /// `NIOAsyncChannel` must not be: it traps unless it was executed (apple/swift-nio#2813). So what was not taken closes here.
    final class Value: ServerChildChannelValue {
        let peer: Peer
        private let asyncChannel: NIOAsyncChannel<IncomingRequest, OutgoingResponse>
        private let isTaken = Atomic(false)

        init(asyncChannel: NIOAsyncChannel<IncomingRequest, OutgoingResponse>, peer: Peer) {
            self.asyncChannel = asyncChannel
            self.peer = peer
        }

        var channel: any Channel { asyncChannel.channel }

        /// The caller has to execute it.
        func take() -> NIOAsyncChannel<IncomingRequest, OutgoingResponse> {
            isTaken.store(true, ordering: .relaxed)
            return asyncChannel
        }

        deinit {
            guard !isTaken.load(ordering: .relaxed) else { return }
            Task { [asyncChannel] in try? await asyncChannel.executeThenClose { _, _ in } }
        }
    }

    /// Bytes that are read at once: room for the header section of most requests, and for few of the smallest.
    private static var portion: Int { 2048 }

    let limits: ConnectionLimits
    let responder: Responder
    let isDraining: @Sendable () -> Bool

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // What one connection sends at once is answered at once: in small portions, so that others come in between.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.syncOptions?.setOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: Self.portion)
            )
            let peer = Peer(address: channel.remoteAddress?.ipAddress ?? "")
            let connection = HTTPConnectionHandler(
                limits: limits,
                peer: peer,
                answerFault: { [responder] in responder.respond(to: $0, of: $1, from: $2) },
                isDraining: isDraining
            )
            // The parser counts the target as a field, and may see a little more than what is let through after it.
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.maximumTargetLength + limits.maximumHeaderSectionSize
            decoderLimits.maxHeaderListSize = limits.maximumTargetLength + limits.maximumHeaderSectionSize
            decoderLimits.maxHeaderFieldCount = limits.maximumFieldCount
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ConnectionBytesHandler(connection: connection))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoderLimits
            )
            try pipeline.addHandler(connection)
            let asyncChannel = try NIOAsyncChannel<IncomingRequest, OutgoingResponse>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
            return Value(asyncChannel: asyncChannel, peer: peer)
        }
    }

    func handle(value: Value, logger: Logger) async {
        // A task of its own, so that the end of the connection can cancel what is being done for it; on the connection's event
        // loop, because a hop to another thread and back would cost more than most answers.
        let task = Task(executorPreference: EventLoopTaskExecutor(value.channel.eventLoop)) {
            await serve(value, logger: logger)
        }
        value.channel.closeFuture.whenComplete { _ in task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
            value.channel.close(promise: nil)
        }
    }

    private func serve(_ value: Value, logger: Logger) async {
        do {
            try await value.take().executeThenClose { inbound, outbound in
                for try await request in inbound {
                    try await outbound.write(await responder.respond(to: request, from: value.peer))
                }
                outbound.finish()
                // Closing here would reset the connection under the client that still reads.
                try await value.channel.closeFuture.get()
            }
        } catch {
            logger.trace("connection ended", metadata: ["error": "\(error)"])
        }
    }
}
