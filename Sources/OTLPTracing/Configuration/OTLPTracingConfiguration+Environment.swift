extension OTLPTracingConfiguration {
    /// Reads the variables.
    ///
    /// - Parameters:
    ///   - variable: gives what a variable holds.
    ///   - serviceName: the name where neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` has one.
    ///   - resource: more attributes of the process, such as `service.version`; variables override them.
    /// - Throws: the first variable that holds what it may not.
    package init(
        serviceName: String,
        resource: [String: String] = [:],
        variable: (String) -> String?
    ) throws(OTLPConfigurationError) {
        // The closure does not leave this call, but a type that holds it has to think so.
        let result = withoutActuallyEscaping(variable) { variable in
            Result { () throws(OTLPConfigurationError) in
                try Self(EnvironmentReader(lookUp: variable), serviceName: serviceName, resource: resource)
            }
        }
        self = try result.get()
    }

    private init(
        _ environment: EnvironmentReader,
        serviceName: String,
        resource: [String: String]
    ) throws(OTLPConfigurationError) {
        self.init(
            isEnabled: try environment.choice(
                "OTEL_SDK_DISABLED",
                default: true,
                of: ["true": false, "false": true]
            ),
            propagatesTraceContext: try Self.propagates(environment),
            sampler: try Self.sampler(environment),
            resource: try Self.resource(environment, serviceName: serviceName, defaults: resource),
            limits: try Self.limits(environment),
            batching: try Self.batching(environment),
            exporter: try Self.exporter(environment)
        )
    }

    private static func propagates(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> Bool {
        guard let found = environment.first(of: "OTEL_PROPAGATORS") else { return true }
        let names = Set(found.text.lowercased().split(separator: ",").map { Substring(FieldText.trimmed($0.utf8)) })
        switch names {
        case ["tracecontext"]: return true
        case ["none"]: return false
        default:
            throw OTLPConfigurationError(
                found.name,
                held: found.text,
                expected: "tracecontext or none, the propagators that there are (baggage is not supported)"
            )
        }
    }

    private static func sampler(_ environment: EnvironmentReader) throws(OTLPConfigurationError) -> Sampler {
        let (rule, followsParent) = try environment.choice(
            "OTEL_TRACES_SAMPLER",
            default: (Sampler.Rule.always, true),
            of: [
                "always_on": (.always, false), "always_off": (.never, false), "traceidratio": (.ratio(1), false),
                "parentbased_always_on": (.always, true), "parentbased_always_off": (.never, true),
                "parentbased_traceidratio": (.ratio(1), true),
            ]
        )
        guard case .ratio = rule, let found = environment.first(of: "OTEL_TRACES_SAMPLER_ARG") else {
            return Sampler(rule, followsParent: followsParent)
        }
        guard let ratio = Double(found.text), (0...1).contains(ratio) else {
            throw OTLPConfigurationError(found.name, held: found.text, expected: "a number from 0 to 1")
        }
        return Sampler(.ratio(ratio), followsParent: followsParent)
    }

    private static func resource(
        _ environment: EnvironmentReader,
        serviceName: String,
        defaults: [String: String]
    ) throws(OTLPConfigurationError) -> [(key: String, value: String)] {
        var attributes = defaults
        attributes["service.name"] = serviceName
        if let found = environment.first(of: "OTEL_RESOURCE_ATTRIBUTES") {
            guard found.text.utf8.count <= 65_536, let pairs = KeyValueList.parse(found.text), pairs.count <= 128 else {
                throw OTLPConfigurationError(
                    found.name,
                    held: found.text,
                    expected: "at most 128 pairs key=value, separated by commas, values percent-encoded"
                )
            }
            for (key, value) in pairs { attributes[key] = value }
        }
        if let found = environment.first(of: "OTEL_SERVICE_NAME") { attributes["service.name"] = found.text }
        attributes["telemetry.sdk.language"] = "swift"
        attributes["telemetry.sdk.name"] = InstrumentationLibrary.name
        attributes["telemetry.sdk.version"] = InstrumentationLibrary.version
        return attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
