/// What a family of metrics is called and what it means.
package struct FamilyDescription: Sendable, Hashable {
    /// What its numbers are.
    package enum Kind: String, Sendable, Hashable {
        /// A sum that only grows.
        case counter
        /// A number that goes up and down.
        case gauge
        /// Counts of values by size.
        case histogram
    }

    /// The kind.
    package let kind: Kind
    /// The family's name as OpenMetrics has it: with its unit, without a counter's `_total`.
    package let name: String
    /// One sentence for people.
    package let help: String
    /// The unit, such as `seconds`, or nil.
    package let unit: String?
    /// The names of its labels.
    package let labelNames: [String]

    /// A description with names that Prometheus takes, whatever they were: see `PrometheusRegistry`.
    ///
    /// - Parameters:
    ///   - name: the unit is appended unless it is there already; of a counter, `_total` may be given or not.
    ///   - help: kept up to 1024 bytes.
    package init(_ kind: Kind, _ name: String, help: String, unit: String? = nil, labelNames: [String] = []) {
        self.kind = kind
        self.help = help.truncated(toBytes: 1024)
        self.labelNames = labelNames.map { Self.labelName($0, in: kind) }
        var base = MetricNames.metric(name)
        if kind == .counter, base.hasSuffix(Self.total), base.utf8.count > Self.total.utf8.count {
            base.removeLast(Self.total.utf8.count)
        }
        // OpenMetrics wants something in front of a unit.
        self.unit = unit.map(MetricNames.metric).flatMap { unit == "" || $0 == base ? nil : $0 }
        if let unit = self.unit, !base.hasSuffix("_" + unit) { base += "_" + unit }
        self.name = base
    }

    /// A label's name in a family of this kind; `le`, which a histogram needs for itself, becomes `exported_le`.
    static func labelName(_ name: String, in kind: Kind) -> String {
        let name = MetricNames.label(name)
        return kind == .histogram && name == reservedLabel ? "exported_" + name : name
    }

    static let reservedLabel = "le"

    /// The family's name in the text format, which is that of a counter's samples.
    var textName: String { kind == .counter ? name + Self.total : name }

    /// All names that its samples may have, and its own: no other family may have one of them.
    var claimedNames: [String] {
        switch kind {
        case .counter: [name, name + Self.total, name + "_created"]
        case .gauge: [name]
        case .histogram: [name, name + "_bucket", name + "_count", name + "_sum", name + "_created"]
        }
    }

    private static let total = "_total"
}
