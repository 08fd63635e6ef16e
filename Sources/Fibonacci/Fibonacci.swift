/// The Fibonacci sequence: F(0) = 0, F(1) = 1, F(n) = F(n−1) + F(n−2).
///
/// Every answer is exact. What is known of a number without computing it (its length, its residue, what it costs) is
/// here beside the number itself.
public enum Fibonacci {
    /// The largest index for which `digitCount(at:)` is proven exact: 10^12, whose number would fill 209 GB.
    ///
    /// It bounds every function here that needs the digit count; memory and patience bound the others long before.
    public static let maximumIndex = 1_000_000_000_000

    /// The prime modulus of `residue(at:)`: 2^61 − 1.
    public static let checkModulus: UInt64 = (1 << 61) - 1
}
