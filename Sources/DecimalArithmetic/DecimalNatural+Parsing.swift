extension DecimalNatural {
    /// The number that ASCII digits denote, most significant first; leading zeros are allowed.
    ///
    /// Nil if there are no digits, or anything else among them (a sign, a space, a digit of another script).
    ///
    /// - Complexity: O(n), about a third of a nanosecond a digit.
    public init?(decimalDigits digits: Span<UInt8>) {
        let number = digits.withUnsafeBytes { DecimalNatural(text: $0) }
        guard let number else { return nil }
        self = number
    }

    /// The number that ASCII digits denote, most significant first; leading zeros are allowed.
    ///
    /// Nil if there are no digits, or anything else among them (a sign, a space, a digit of another script).
    ///
    /// - Complexity: O(n), and a copy of the digits if they are not contiguous.
    public init?(decimalDigits digits: some Collection<UInt8>) {
        let number =
            digits.withContiguousStorageIfAvailable { DecimalNatural(text: UnsafeRawBufferPointer($0)) }
            ?? Array(digits).withUnsafeBytes { DecimalNatural(text: $0) }
        guard let number else { return nil }
        self = number
    }

    private init?(text: UnsafeRawBufferPointer) {
        guard !text.isEmpty else { return nil }
        let digitsPerLimb = DecimalBase.digitsPerLimb
        var isValid = true
        self.init(limbCount: (text.count + digitsPerLimb - 1) / digitsPerLimb) { limbs in
            var end = text.count
            for i in limbs.indices {
                let start = max(0, end - digitsPerLimb)
                let limb = DigitText.parse(UnsafeRawBufferPointer(rebasing: text[start..<end]))
                isValid = isValid && limb != nil
                limbs[i] = limb ?? 0
                end = start
            }
        }
        guard isValid else { return nil }
    }
}
