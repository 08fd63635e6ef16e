extension TraceContext {
    /// Reads the fields that a request came with: W3C Trace Context, §3.2 and §4.3.
    ///
    /// Strict for version 00. Of later versions the part is read that is like version 00, as the specification asks.
    /// A malformed `tracestate` counts as none; a malformed `traceparent` means that there is no context.
    ///
    /// - Parameters:
    ///   - traceParent: the field's value; spaces around it do not count. Several fields are none: join them with a comma.
    ///   - traceState: the field's value; several fields are one, joined with commas.
    package init?(traceParent: String, traceState: String? = nil) {
        var text = traceParent
        let parsed = text.withUTF8 { Self.parse($0) }
        guard let parsed else { return nil }
        self.init(
            traceID: parsed.traceID,
            spanID: parsed.spanID,
            isSampled: parsed.isSampled,
            isRemote: true,
            traceState: traceState.flatMap { TraceState($0) }
        )
    }

    private static func parse(
        _ text: UnsafeBufferPointer<UInt8>
    ) -> (traceID: TraceID, spanID: SpanID, isSampled: Bool)? {
        let field = FieldText.trimmed(text[...])
        let start = field.startIndex
        func part(_ range: Range<Int>) -> Slice<UnsafeBufferPointer<UInt8>> {
            field[(start + range.lowerBound)..<(start + range.upperBound)]
        }
        guard field.count >= 55,
            [2, 35, 52].allSatisfy({ field[start + $0] == UInt8(ascii: "-") }),
            let version = Hexadecimal.value(part(0..<2)), version != 0xFF,
            let high = Hexadecimal.value(part(3..<19)), let low = Hexadecimal.value(part(19..<35)),
            let span = Hexadecimal.value(part(36..<52)), let flags = Hexadecimal.value(part(53..<55)),
            field.count == 55 || (version > 0 && field[start + 55] == UInt8(ascii: "-")),
            let traceID = TraceID(high: high, low: low), let spanID = SpanID(span)
        else { return nil }
        return (traceID, spanID, flags & 1 == 1)
    }

    /// The value of `traceparent` for calls that this span makes: version 00, no flag but `sampled`.
    package var traceParent: String {
        String(unsafeUninitializedCapacity: 55) { text in
            text.initialize(repeating: UInt8(ascii: "0"))
            Hexadecimal.write(traceID.high, to: text, at: 3)
            Hexadecimal.write(traceID.low, to: text, at: 19)
            Hexadecimal.write(spanID.value, to: text, at: 36)
            for index in [2, 35, 52] { text[index] = UInt8(ascii: "-") }
            text[54] = Hexadecimal.digit(flags)
            return 55
        }
    }
}
