extension Fibonacci {
    /// The number of decimal digits of F(n), without computing F(n).
    ///
    /// By Binet's formula F(n) is the integer nearest to φⁿ/√5, and so its digit count is
    ///
    ///     ⌊n·log₁₀φ − log₁₀√5⌋ + 1
    ///
    /// for every n ≥ 2: the formula could only go wrong where a power of ten lies between F(n) and φⁿ/√5. These are
    /// less than one half apart, so that power would have to be F(n) itself; the only powers of ten in the sequence are
    /// F(1) = F(2) = 1, and φ²/√5 is above 1. For n = 0 and n = 1 the answer is 1.
    ///
    /// It is evaluated in 128-bit fixed point, with both constants rounded down. The computed fraction is then off by
    /// less than (n + 1)·2^−128 < 10^−26, while n·log₁₀φ − log₁₀√5 never comes closer to an integer than 3.9·10^−13
    /// for n ≤ 10^12: the closest, at n = 967 044 964 174, was found with the continued fraction of log₁₀φ, which lists
    /// all that come close. The floor is therefore the true one throughout the range.
    ///
    /// - Precondition: `0 ≤ n ≤ maximumIndex`.
    /// - Complexity: O(1).
    public static func digitCount(at n: Int) -> Int {
        precondition(n >= 0, "n must not be negative")
        precondition(n <= maximumIndex, "n must be at most Fibonacci.maximumIndex")
        if n < 2 { return 1 }
        let (whole, fraction) = UInt128(n).multipliedFullWidth(by: log10Phi)
        return Int(whole) + (fraction >= log10Sqrt5 ? 1 : 0)
    }

    /// ⌊2^128 · log₁₀φ⌋, log₁₀φ = 0.20898764024997873376927208923755541682245923991821….
    private static var log10Phi: UInt128 { 0x3580_36c8_2451_b7f3_65d3_db23_8455_99f5 }

    /// ⌊2^128 · log₁₀√5⌋, log₁₀√5 = 0.34948500216800940239313055263775348661590505926894….
    private static var log10Sqrt5: UInt128 { 0x5977_d95e_c10c_0219_dc1d_a994_fd20_dba1 }
}
