internal import AsyncHTTPClient
package import Logging
package import NIOCore

extension OTLPTracer {
    /// A tracer as the variables say.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: where the exporter's connection lives; nil: AsyncHTTPClient's own.
    ///   - logger: is told when exporting begins to fail, and when it works again. It never sees header fields.
    ///   - shutdownTimeout: how long exporting the last spans may take at graceful shutdown.
    /// - Throws: that a file that a variable names is of no use.
    package convenience init(
        configuration: OTLPTracingConfiguration,
        eventLoopGroup: (any EventLoopGroup)? = nil,
        logger: Logger,
        shutdownTimeout: Duration = .seconds(5)
    ) throws(OTLPConfigurationError) {
        try self.init(
            configuration: configuration,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            shutdownTimeout: shutdownTimeout,
            time: .system
        )
    }

    convenience init(
        configuration: OTLPTracingConfiguration,
        eventLoopGroup: (any EventLoopGroup)?,
        logger: Logger,
        shutdownTimeout: Duration,
        time: TimeSource,
        identifiers: IdentifierSource = IdentifierSource(),
        retries: RetryPolicy = RetryPolicy()
    ) throws(OTLPConfigurationError) {
        var processor: BatchSpanProcessor?
        if configuration.isEnabled, let exporter = configuration.exporter {
            let transport = try HTTPTransport(
                exporter,
                eventLoopGroup: eventLoopGroup ?? HTTPClient.defaultEventLoopGroup
            )
            let settings = OTLPExporter.Settings(
                resource: configuration.resource,
                isCompressed: exporter.compression == .gzip,
                totalTimeout: configuration.batching.exportTimeout,
                retries: retries
            )
            processor = BatchSpanProcessor(
                limits: configuration.batching,
                exporter: OTLPExporter(settings: settings, transport: transport, time: time, logger: logger),
                time: time,
                shutdownTimeout: shutdownTimeout
            )
        }
        let behaviour = Behaviour(
            isEnabled: configuration.isEnabled,
            propagates: configuration.propagatesTraceContext,
            sampler: configuration.sampler,
            limits: configuration.limits
        )
        self.init(behaviour: behaviour, processor: processor, identifiers: identifiers, time: time)
    }
}
