/// How this library names itself to collectors.
enum InstrumentationLibrary {
    static let name = "otlp-tracing"
    static let version = "1.0.0"
    static let userAgent = "OTel-OTLP-Exporter-Swift/\(version)"
}
