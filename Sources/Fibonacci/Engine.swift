public import DecimalArithmetic

/// How numbers are computed: with which of the processor's instructions, and on how many threads.
public struct Engine: Sendable {
    /// The inner loops of large products.
    public var kernel: TransformKernel
    /// How the parts of one product are run.
    public var parallelism: Parallelism
    /// Called with the transform of each product: tests change it, to see the change noticed.
    package var perturb: (@Sendable (UnsafeMutableBufferPointer<Double>) -> Void)?

    /// The fastest way there is, or another.
    ///
    /// - Parameters:
    ///   - kernel: The fastest one by default.
    ///   - parallelism: None by default: one thread a computation.
    public init(kernel: TransformKernel = .fastest, parallelism: Parallelism = .none) {
        self.kernel = kernel
        self.parallelism = parallelism
    }
}
