import TestSupport
import Testing

@testable import OTLPTracing

private func configuration(_ variables: [String: String]) throws(OTLPConfigurationError) -> OTLPTracingConfiguration {
    try OTLPTracingConfiguration(serviceName: "default", resource: ["service.version": "7"]) { variables[$0] }
}

@Suite("The configuration")
struct ConfigurationTests {
    @Test("without variables is OpenTelemetry's default, but without an endpoint")
    func defaults() throws {
        for variables in [
            [:], ["OTEL_TRACES_SAMPLER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": " ", "OTEL_PROPAGATORS": ""],
        ] {
            let configuration = try configuration(variables)
            #expect(configuration.isEnabled && configuration.propagatesTraceContext && configuration.exporter == nil)
            #expect(configuration.sampler == .parentBasedAlwaysOn && configuration.limits == SpanLimits())
            #expect(configuration.batching == BatchLimits())
            #expect(
                configuration.resource.map(\.key) == [
                    "service.name", "service.version", "telemetry.sdk.language", "telemetry.sdk.name",
                    "telemetry.sdk.version",
                ]
            )
            #expect(configuration.resource.first?.value == "default")
        }
    }

    @Test("takes everything that can be set")
    func everything() throws {
        let configuration = try configuration([
            "OTEL_SDK_DISABLED": "False", "OTEL_PROPAGATORS": " TraceContext ", "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BSP_EXPORT_TIMEOUT": "200", "OTEL_BSP_MAX_QUEUE_SIZE": "300",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "40", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "2", "OTEL_SPAN_LINK_COUNT_LIMIT": "3",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "4", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "5",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "64", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318/base/", "OTEL_EXPORTER_OTLP_TIMEOUT": "500",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/etc/ca.pem",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=%C3%A9",
        ])
        #expect(configuration.sampler == Sampler(.ratio(0.25), followsParent: true))
        var batching = BatchLimits()
        batching.scheduleDelay = .milliseconds(100)
        batching.exportTimeout = .milliseconds(200)
        (batching.queueSize, batching.batchSize) = (300, 40)
        #expect(configuration.batching == batching)
        var limits = SpanLimits()
        (limits.attributes, limits.events, limits.links, limits.eventAttributes) = (1, 2, 3, 4)
        (limits.linkAttributes, limits.textLength) = (5, 64)
        #expect(configuration.limits == limits)
        let exporter = try #require(configuration.exporter)
        #expect(
            exporter.endpoint.url == "https://collector:4318/base/v1/traces" && exporter.timeout == .milliseconds(500)
        )
        #expect(exporter.compression == .gzip && exporter.certificateFile == "/etc/ca.pem")
        #expect(exporter.headers.fields.map { "\($0.name): \($0.value)" } == ["a: 1", "b: é"])
    }

    @Test("prefers what is said of traces alone")
    func signalSpecific() throws {
        let exporter = try configuration([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/?k=1",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        ]).exporter
        #expect(exporter?.endpoint.url == "http://b/?k=1" && exporter?.endpoint.description == "http://b/")
        #expect(
            exporter?.timeout == .milliseconds(2) && exporter?.compression == OTLPExporterConfiguration.Compression.none
        )
        #expect(exporter?.headers.fields.map(\.name) == ["b"])
    }

    @Test(
        "knows OpenTelemetry's samplers",
        arguments: [
            ("always_on", Sampler(.always, followsParent: false)),
            ("always_off", Sampler(.never, followsParent: false)),
            ("traceidratio", Sampler(.ratio(0.5), followsParent: false)),
            ("parentbased_always_on", Sampler(.always, followsParent: true)),
            ("parentbased_always_off", Sampler(.never, followsParent: true)),
            ("parentbased_traceidratio", Sampler(.ratio(0.5), followsParent: true)),
        ]
    )
    func samplers(_ name: String, _ sampler: Sampler) throws {
        let variables = ["OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": "0.5"]
        #expect(try configuration(variables).sampler == sampler)
    }

    @Test("of a ratio without a number takes everything")
    func ratioWithoutNumber() throws {
        let sampler = try configuration(["OTEL_TRACES_SAMPLER": "traceidratio"]).sampler
        #expect(sampler == Sampler(.ratio(1), followsParent: false))
    }

    @Test("names the process from the most to the least particular")
    func resource() throws {
        func name(_ variables: [String: String]) throws -> String? {
            try configuration(variables).resource.first { $0.key == "service.name" }?.value
        }
        let attributes = "service.name=from%20attributes,service.version=8,telemetry.sdk.name=other"
        #expect(try name(["OTEL_RESOURCE_ATTRIBUTES": attributes]) == "from attributes")
        #expect(try name(["OTEL_RESOURCE_ATTRIBUTES": attributes, "OTEL_SERVICE_NAME": "own"]) == "own")
        let resource = try configuration(["OTEL_RESOURCE_ATTRIBUTES": attributes]).resource
        #expect(resource.contains { $0 == ("service.version", "8") })
        #expect(resource.contains { $0 == ("telemetry.sdk.name", "otlp-tracing") })
    }

    @Test("needs no batch larger than the queue")
    func smallQueue() throws {
        #expect(try configuration(["OTEL_BSP_MAX_QUEUE_SIZE": "10"]).batching.batchSize == 10)
    }

    @Test("exports nothing if that is asked for")
    func noExporter() throws {
        let variables = ["OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"]
        #expect(try configuration(variables).exporter == nil)
    }

    @Test(
        "refuses what a variable may not hold, and says what it held and may hold",
        arguments: [
            ("OTEL_SDK_DISABLED", "yes"), ("OTEL_PROPAGATORS", "tracecontext,baggage"), ("OTEL_PROPAGATORS", "b3"),
            ("OTEL_PROPAGATORS", "tracecontext,none"), ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "sometimes"), ("OTEL_BSP_SCHEDULE_DELAY", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "-1"), ("OTEL_BSP_EXPORT_TIMEOUT", "3600001"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "1e3"), ("OTEL_BSP_MAX_QUEUE_SIZE", "+5"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999999999999"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"), ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://a"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http:///path"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:0"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:65536"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:b"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a b"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a#b"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://é"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "ten"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz"), ("OTEL_RESOURCE_ATTRIBUTES", "=1"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=%FF"),
        ]
    )
    func errors(_ name: String, _ value: String) throws {
        let error = try #require(throws: OTLPConfigurationError.self) { try configuration([name: value]) }
        #expect(error.variable == name && error.held == value && !error.expected.isEmpty)
        #expect(error.description == "\(name): expected \(error.expected), not \"\(value)\"")
    }

    @Test("refuses a ratio outside 0 to 1", arguments: ["-0.1", "1.1", "nan", "half", "inf"])
    func ratios(_ value: String) throws {
        let error = try #require(throws: OTLPConfigurationError.self) {
            try configuration(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": value])
        }
        #expect(error.description == "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, not \"\(value)\"")
    }

    @Test(
        "takes endpoints of all forms",
        arguments: ["http://a", "HTTPS://a.b:1", "http://[::1]:4318/x", "http://127.0.0.1"]
    )
    func endpoints(_ url: String) throws {
        let exporter = try configuration(["OTEL_EXPORTER_OTLP_ENDPOINT": url + "//"]).exporter
        #expect(exporter?.endpoint.url == url.lowercased() + "/v1/traces")
    }

    @Test("says in one short line what a variable held, however long and odd")
    func longValue() throws {
        let error = try #require(throws: OTLPConfigurationError.self) {
            try configuration(["OTEL_TRACES_SAMPLER": "a\nb" + String(repeating: "c", count: 1000)])
        }
        #expect(!error.description.contains("\n") && error.description.count < 400)
    }

    @Test("refuses a file of certificates that is of no use", arguments: ["/nowhere", "/dev/null"])
    func certificates(_ path: String) throws {
        let configuration = try configuration([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://a", "OTEL_EXPORTER_OTLP_CERTIFICATE": path,
        ])
        let error = try #require(throws: OTLPConfigurationError.self) {
            try OTLPTracer(configuration: configuration, logger: LogRecorder().logger)
        }
        #expect(error.variable == "OTEL_EXPORTER_OTLP_CERTIFICATE" && error.held == path)
    }
}

@Suite("Secrets")
struct SecretTests {
    @Test("of header fields are in no description, dump or error")
    func headers() throws {
        let exporter = try #require(
            try configuration([
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=hidden",
            ]).exporter
        )
        var dumped = ""
        dump(exporter, to: &dumped)
        for text in ["\(exporter)", String(reflecting: exporter), dumped] { #expect(!text.contains("hidden")) }
    }

    @Test(
        "in malformed header fields are not shown",
        arguments: [
            "hidden", "=hidden", "a b=hidden", "a=hidden%0d%0ax", "a=%zzhidden", "Host=hidden", "content-length=hidden",
            "a=hidden%",
        ]
    )
    func malformedHeaders(_ value: String) throws {
        let error = try #require(throws: OTLPConfigurationError.self) {
            try configuration(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": value])
        }
        #expect(error.variable == "OTEL_EXPORTER_OTLP_HEADERS" && error.held == nil)
        #expect(!error.description.contains("hidden"))
    }

    @Test(
        "in a malformed endpoint are not shown",
        arguments: [
            "http://user:hidden@a", "http://a/?key=hidden",
            "http://user:hidden@\u{301}a", "http://a/?\u{301}key=hidden",
        ]
    )
    func endpoint(_ value: String) throws {
        let error = try #require(throws: OTLPConfigurationError.self) {
            try configuration(["OTEL_EXPORTER_OTLP_ENDPOINT": value])
        }
        #expect(error.held == nil && !error.description.contains("hidden"))
    }
}
