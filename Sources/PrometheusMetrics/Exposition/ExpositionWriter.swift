/// Writes families and samples in either format.
struct ExpositionWriter {
    /// Whose sample it is, with labels as ``LabelText`` renders them.
    struct Series {
        var family: FamilyDescription
        var labels: [UInt8]
    }

    private let format: ExpositionFormat
    private var bytes: [UInt8] = []

    init(format: ExpositionFormat, capacity: Int) {
        self.format = format
        bytes.reserveCapacity(capacity)
    }

    /// Everything that was written, and the end.
    consuming func finished() -> [UInt8] {
        if format == .openMetrics { append("# EOF\n") }
        return bytes
    }

    mutating func header(of family: FamilyDescription) {
        let name = format == .openMetrics ? family.name : family.textName
        if !family.help.isEmpty {
            append("# HELP ")
            append(name)
            append(" ")
            LabelText.appendEscaped(family.help, quotes: format == .openMetrics, to: &bytes)
            append("\n")
        }
        append("# TYPE ")
        append(name)
        append(" ")
        append(family.kind.rawValue)
        append("\n")
        if format == .openMetrics, let unit = family.unit {
            append("# UNIT ")
            append(name)
            append(" ")
            append(unit)
            append("\n")
        }
    }

    mutating func counter(_ number: SampleNumber, of series: Series) {
        start(series, suffix: "_total")
        append(number)
        append("\n")
    }

    mutating func gauge(_ value: Double, of series: Series) {
        start(series, suffix: "")
        append(.real(value))
        append("\n")
    }

    /// Exemplars are read first, so that what they were observed with is in the counts.
    mutating func histogram(_ histogram: PrometheusHistogram, of series: Series) {
        let exemplars = format == .openMetrics ? histogram.keptExemplars : KeptExemplars()
        let cells = histogram.cells
        var cumulative: UInt64 = 0
        for (position, bound) in histogram.buckets.labels.enumerated() {
            cumulative &+= cells.counts[position]
            start(series, suffix: "_bucket", bound: bound)
            append(.whole(cumulative))
            if let entry = exemplars[position] { append(entry) }
            append("\n")
        }
        // With negative observations a sum may shrink; OpenMetrics wants neither sum nor count then.
        guard format == .text || !histogram.buckets.haveNegative else { return }
        start(series, suffix: "_sum")
        append(.real(cells.sum))
        append("\n")
        start(series, suffix: "_count")
        append(.whole(cumulative))
        append("\n")
    }

    /// Up to the space before the value.
    private mutating func start(_ series: Series, suffix: String, bound: [UInt8] = []) {
        append(series.family.name)
        append(suffix)
        if !series.labels.isEmpty || !bound.isEmpty {
            append("{")
            bytes.append(contentsOf: series.labels)
            if !series.labels.isEmpty, !bound.isEmpty { append(",") }
            bytes.append(contentsOf: bound)
            append("}")
        }
        append(" ")
    }

    private mutating func append(_ entry: KeptExemplars.Entry) {
        append(" # {trace_id=\"")
        appendHexadecimal(entry.exemplar.traceID, digits: 32)
        append("\",span_id=\"")
        appendHexadecimal(UInt128(entry.exemplar.spanID), digits: 16)
        append("\"} ")
        append(.real(entry.value))
        if let time = entry.exemplar.time, time.isFinite {
            append(" ")
            append(.real(time))
        }
    }

    private mutating func append(_ number: SampleNumber) {
        switch number {
        case .whole(let value): append(String(value))
        case .real(let value): append(NumberText.sample(value))
        }
    }

    private mutating func appendHexadecimal(_ value: UInt128, digits: Int) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt128(shift)) & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    @inline(__always)
    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }
}
