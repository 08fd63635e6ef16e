extension DecimalNatural {
    /// The number with the value of a machine word.
    public init(_ value: UInt64) {
        self.init(UInt128(value))
    }

    /// The number with the value of a double word: at most 39 digits, three limbs.
    public init(_ value: UInt128) {
        let (low, middle, high) = DecimalBase.limbs(of: value)
        self.init(limbCount: 3) { limbs in
            limbs[0] = low
            limbs[1] = middle
            limbs[2] = high
        }
    }
}

extension DecimalNatural: ExpressibleByIntegerLiteral {
    /// The number that a literal of at most 64 bits denotes.
    public init(integerLiteral value: UInt64) {
        self.init(value)
    }
}
