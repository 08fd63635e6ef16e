/// Reads variables as OpenTelemetry's specification says: an empty one counts as unset, names of values have no case.
///
/// Unlike what it says, a value that is not understood is an error: a default is never taken silently.
struct EnvironmentReader {
    let lookUp: (String) -> String?

    struct Found {
        let name: String
        let text: String
    }

    /// The first of these variables that holds something, without spaces around it.
    func first(of names: String...) -> Found? {
        for name in names {
            guard let value = lookUp(name) else { continue }
            let text = FieldText.trimmed(value.utf8)
            if !text.isEmpty { return Found(name: name, text: String(Substring(text))) }
        }
        return nil
    }

    /// A whole number in decimal.
    func integer(
        _ names: String...,
        default defaultValue: Int,
        in range: ClosedRange<Int>
    ) throws(OTLPConfigurationError) -> Int {
        for name in names {
            guard let found = first(of: name) else { continue }
            guard found.text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let value = Int(found.text), range.contains(value)
            else {
                throw OTLPConfigurationError(
                    name,
                    held: found.text,
                    expected: "a whole number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return value
        }
        return defaultValue
    }

    /// A time in milliseconds, at most an hour.
    func milliseconds(_ names: String..., default defaultValue: Int) throws(OTLPConfigurationError) -> Duration {
        for name in names where first(of: name) != nil {
            return .milliseconds(try integer(name, default: defaultValue, in: 1...3_600_000))
        }
        return .milliseconds(defaultValue)
    }

    /// One of a few names.
    func choice<Value>(
        _ names: String...,
        default defaultValue: Value,
        of choices: KeyValuePairs<String, Value>
    ) throws(OTLPConfigurationError) -> Value {
        for name in names {
            guard let found = first(of: name) else { continue }
            let text = found.text.lowercased()
            guard let choice = choices.first(where: { $0.key == text }) else {
                throw OTLPConfigurationError(
                    name,
                    held: found.text,
                    expected: "one of " + choices.map(\.key).joined(separator: ", ")
                )
            }
            return choice.value
        }
        return defaultValue
    }
}
