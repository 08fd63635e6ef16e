extension DecimalNatural: LosslessStringConvertible, CustomDebugStringConvertible {
    /// The digits of the number.
    ///
    /// - Complexity: O(n).
    public var description: String {
        String(unsafeUninitializedCapacity: digitCount) { writeDigits(into: UnsafeMutableRawBufferPointer($0)) }
    }

    /// The digits of the number, or its first and last ones and how many there are if there are many.
    public var debugDescription: String {
        guard digitCount > 60 else { return description }
        let digits = decimalDigits
        let (first, last) = (digits.prefix(20), digits.suffix(20))
        return
            "\(String(decoding: first, as: UTF8.self))…\(String(decoding: last, as: UTF8.self)) (\(digitCount) digits)"
    }

    /// The number that the digits in `description` denote; leading zeros are allowed.
    ///
    /// Nil if there are no digits, or anything else among them.
    public init?(_ description: String) {
        self.init(decimalDigits: description.utf8)
    }
}
