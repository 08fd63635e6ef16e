extension OTLPTracingConfiguration {
    static func limits(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> SpanLimits {
        let counts = 0...1024
        var limits = SpanLimits()
        limits.attributes = try environment.integer(
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            default: limits.attributes,
            in: counts
        )
        limits.events = try environment.integer("OTEL_SPAN_EVENT_COUNT_LIMIT", default: limits.events, in: counts)
        limits.links = try environment.integer("OTEL_SPAN_LINK_COUNT_LIMIT", default: limits.links, in: counts)
        limits.eventAttributes = try environment.integer(
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            default: limits.eventAttributes,
            in: counts
        )
        limits.linkAttributes = try environment.integer(
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            default: limits.linkAttributes,
            in: counts
        )
        limits.textLength = try environment.integer(
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            default: limits.textLength,
            in: 16...65_536
        )
        return limits
    }

    static func batching(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> BatchLimits {
        var limits = BatchLimits()
        limits.scheduleDelay = try environment.milliseconds("OTEL_BSP_SCHEDULE_DELAY", default: 5000)
        limits.exportTimeout = try environment.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", default: 30_000)
        limits.queueSize = try environment.integer(
            "OTEL_BSP_MAX_QUEUE_SIZE",
            default: limits.queueSize,
            in: 1...1_000_000
        )
        limits.batchSize = try environment.integer(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            default: min(limits.batchSize, limits.queueSize),
            in: 1...min(limits.queueSize, 65_536)
        )
        return limits
    }

    static func exporter(
        _ environment: EnvironmentReader
    ) throws(OTLPConfigurationError) -> OTLPExporterConfiguration? {
        let isWanted = try environment.choice("OTEL_TRACES_EXPORTER", default: true, of: ["otlp": true, "none": false])
        _ = try environment.choice(
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            default: (),
            of: ["http/protobuf": ()]
        )
        let endpoint = try endpoint(environment)
        let timeout = try environment.milliseconds(
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            default: 10_000
        )
        let compression = try environment.choice(
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            default: OTLPExporterConfiguration.Compression.none,
            of: ["gzip": .gzip, "none": .none]
        )
        let headers = try headers(environment)
        // Everything has been checked, whether it is needed or not.
        guard isWanted, let endpoint else { return nil }
        return OTLPExporterConfiguration(
            endpoint: endpoint,
            headers: headers,
            timeout: timeout,
            compression: compression,
            certificateFile: environment.first(
                of: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CERTIFICATE"
            )?.text
        )
    }

    private static func headers(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> OTLPHeaders {
        let found = environment.first(of: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
        guard let found else { return OTLPHeaders() }
        if let headers = OTLPHeaders(found.text) { return headers }
        throw OTLPConfigurationError(found.name, held: nil, expected: OTLPHeaders.expectation)
    }

    private static func endpoint(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> OTLPEndpoint? {
        let variants = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", nil), ("OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"),
        ]
        for (name, path) in variants {
            guard let found = environment.first(of: name) else { continue }
            if let endpoint = OTLPEndpoint(found.text, adding: path) { return endpoint }
            // What looks like user information or a query is not shown: it may be a key.
            // Bytes, because what is combined with a character makes it another.
            let mayBeSecret = found.text.utf8.contains { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "?") }
            throw OTLPConfigurationError(
                name,
                held: mayBeSecret ? nil : found.text,
                expected: OTLPEndpoint.expectation + (path == nil ? "" : " or query")
            )
        }
        return nil
    }
}
