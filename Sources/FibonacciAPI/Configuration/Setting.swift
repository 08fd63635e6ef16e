package import Configuration

/// One environment variable: its name, what it may hold, its default, and what it is for.
package struct Setting<Value: Sendable>: Sendable {
    /// The environment variable's name.
    package let name: String
    /// The value when the variable is not set.
    package let defaultValue: Value
    /// How documentation shows the default.
    package let defaultText: String
    /// What the variable may hold, as the end of "expected …".
    package let expectation: String
    /// What it is for, in a few words.
    package let summary: String
    /// Whether what it holds must not be shown.
    private let isSecret: Bool
    private let parse: @Sendable (String) -> Value?

    init(
        _ name: String,
        default defaultValue: Value,
        shownAs defaultText: String? = nil,
        expecting expectation: String,
        _ summary: String,
        isSecret: Bool = false,
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.name = name
        self.defaultValue = defaultValue
        self.defaultText = defaultText ?? "\(defaultValue)"
        self.expectation = expectation
        self.summary = summary
        self.isSecret = isSecret
        self.parse = parse
    }

    /// The configured value, or the default if the variable is not set.
    ///
    /// - Throws: ``ConfigurationError`` if it is set to something else than it may hold, the empty string included.
    package func value(from reader: ConfigReader) throws -> Value {
        // Looked up as text: the typed look-ups of the library fall back to their default when a value is malformed.
        guard let text = reader.string(forKey: ConfigKey(name.lowercased().split(separator: "_").map(String.init)))
        else {
            return defaultValue
        }
        guard let value = parse(text) else {
            throw ConfigurationError(variable: name, value: isSecret ? nil : text, expectation: expectation)
        }
        return value
    }

    /// The setting without its type, for tables.
    package var description: SettingDescription {
        SettingDescription(name: name, defaultText: defaultText, expectation: expectation, summary: summary)
    }
}

extension Setting where Value == Int {
    static func integer(
        _ name: String,
        default defaultValue: Int,
        shownAs defaultText: String? = nil,
        in range: ClosedRange<Int>,
        _ summary: String
    ) -> Setting {
        Setting(
            name,
            default: defaultValue,
            shownAs: defaultText,
            expecting: "an integer from \(range.lowerBound) to \(range.upperBound)",
            summary
        ) { text in
            // `Int("+5")` would be accepted.
            guard text.utf8.first != UInt8(ascii: "+"), let value = Int(text), range.contains(value) else { return nil }
            return value
        }
    }
}

extension Setting where Value == Bool {
    static func boolean(_ name: String, default defaultValue: Bool, _ summary: String) -> Setting {
        Setting(name, default: defaultValue, expecting: "one of true, false", summary, parse: Bool.init)
    }
}

extension Setting where Value == String? {
    static func path(_ name: String, _ summary: String) -> Setting {
        Setting(name, default: nil, shownAs: "unset", expecting: "the path of a file", summary) { text in
            text.isEmpty ? nil : .some(text)
        }
    }
}

extension Setting where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static func choice(_ name: String, default defaultValue: Value, _ summary: String) -> Setting {
        Setting(
            name,
            default: defaultValue,
            shownAs: defaultValue.rawValue,
            expecting: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))",
            summary,
            parse: Value.init(rawValue:)
        )
    }
}

/// A row of the table of configuration.
package struct SettingDescription: Sendable, Equatable {
    /// The environment variable's name.
    package let name: String
    /// The default, as documentation shows it.
    package let defaultText: String
    /// What the variable may hold.
    package let expectation: String
    /// What it is for.
    package let summary: String

    /// The row in Markdown.
    package var markdownRow: String {
        "| `\(name)` | `\(defaultText)` | \(summary); \(expectation) |"
    }
}

/// A variable that holds something else than it may.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The variable's name.
    package let variable: String
    /// What it holds; nil if that must not be shown.
    package let value: String?
    /// What it may hold.
    package let expectation: String

    /// One line that names the variable, what it held and what it may hold.
    package var description: String {
        guard let value else { return "\(variable) is malformed: expected \(expectation)" }
        let shown = value.unicodeScalars.prefix(100).map {
            (0x20..<0x7F).contains($0.value) ? String($0) : $0.escaped(asASCII: true)
        }
        return "\(variable) is '\(shown.joined())': expected \(expectation)"
    }
}
