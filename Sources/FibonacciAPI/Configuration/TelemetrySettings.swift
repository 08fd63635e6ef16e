import Configuration
import OTLPTracing

/// The settings of metrics and traces, by OpenTelemetry's names and, for traces, with its defaults. `OTLPTracingConfiguration` reads and
/// validates those of traces.
package enum TelemetrySettings {
    /// How metrics leave the process.
    package enum MetricsExporter: String, CaseIterable, Sendable {
        /// Somebody scrapes them.
        case prometheus
        /// Not at all.
        case none
    }

    /// `OTEL_METRICS_EXPORTER`.
    package static let metricsExporter = Setting<MetricsExporter>.choice(
        "OTEL_METRICS_EXPORTER",
        default: .prometheus,
        "`/metrics` on the admin port, or no metrics at all"
    )

    /// How long the last spans may take to be exported at shutdown.
    static let shutdownTimeout: Duration = .seconds(3)

    /// What is read from the environment.
    ///
    /// - Throws: ``ConfigurationError`` for the first malformed setting. None shows a header's value.
    static func configuration(from reader: ConfigReader) throws -> OTLPTracingConfiguration {
        do throws(OTLPConfigurationError) {
            return try OTLPTracingConfiguration(
                serviceName: BuildInformation.name,
                resource: [
                    "service.version": BuildInformation.version,
                    "service.instance.id": String(UInt64.random(in: 0...(.max)), radix: 16),
                ]
            ) { name in
                reader.string(forKey: ConfigKey(name.lowercased().split(separator: "_").map(String.init)))
            }
        } catch {
            throw configurationError(error)
        }
    }

    /// The same error in the form that all settings have.
    static func configurationError(_ error: OTLPConfigurationError) -> ConfigurationError {
        ConfigurationError(variable: error.variable, value: error.held, expectation: error.expected)
    }

    /// The most used of them.
    static let descriptions = [
        metricsExporter.description,
        SettingDescription(
            name: "OTEL_EXPORTER_OTLP_ENDPOINT",
            defaultText: "unset",
            expectation: "the URL of a collector, to which v1/traces is added",
            summary: "where spans go, over HTTP as protobuf; unset: nowhere"
        ),
        SettingDescription(
            name: "OTEL_EXPORTER_OTLP_HEADERS",
            defaultText: "unset",
            expectation: "key=value pairs with commas between them, percent-encoded",
            summary: "fields of these requests, such as keys"
        ),
        SettingDescription(
            name: "OTEL_EXPORTER_OTLP_COMPRESSION",
            defaultText: "none",
            expectation: "one of gzip, none",
            summary: "of these requests"
        ),
        SettingDescription(
            name: "OTEL_EXPORTER_OTLP_TIMEOUT",
            defaultText: "10000",
            expectation: "milliseconds",
            summary: "for one of these requests"
        ),
        SettingDescription(
            name: "OTEL_TRACES_SAMPLER",
            defaultText: "parentbased_always_on",
            expectation:
                "one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio",
            summary: "which requests are traced"
        ),
        SettingDescription(
            name: "OTEL_TRACES_SAMPLER_ARG",
            defaultText: "1.0",
            expectation: "a number from 0 to 1",
            summary: "which part of them, for samplers with a ratio"
        ),
        SettingDescription(
            name: "OTEL_SERVICE_NAME",
            defaultText: BuildInformation.name,
            expectation: "any text",
            summary: "what spans call this service"
        ),
        SettingDescription(
            name: "OTEL_RESOURCE_ATTRIBUTES",
            defaultText: "unset",
            expectation: "key=value pairs with commas between them, percent-encoded",
            summary: "more about it"
        ),
        SettingDescription(
            name: "OTEL_SDK_DISABLED",
            defaultText: "false",
            expectation: "one of true, false",
            summary: "makes no traces at all"
        ),
    ]
}
