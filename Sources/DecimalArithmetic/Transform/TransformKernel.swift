internal import TransformKernelPortable

#if canImport(TransformKernelAVX2)
    internal import TransformKernelAVX2
    internal import TransformKernelAVX512
#endif

/// The inner loops of the transform for one instruction set. All kernels give the same products; they differ in speed.
public final class TransformKernel: Sendable {
    /// The instruction set, in lower case: `avx512`, `avx2`, `sse2`; `neon` on arm64.
    public let name: String

    /// A kernel with narrower vectors, which is faster for products of fewer digits than `narrowerLimit`: wide vectors leave a lot undone
    /// at the ends of short transforms.
    private let narrower: TransformKernel?
    private static let narrowerLimit = 12_000

    /// Doubles that are worked on at once.
    let lanes: Int
    let coefficientSize: Int
    let load: Load
    let multiply: Multiply
    let store: Store
    let writeText: WriteText
    /// The lanes' own twiddle factors.
    let levels: LevelTable

    typealias Load =
        @Sendable (
            _ digits: UnsafePointer<Int32>,
            _ hasImaginaryPart: Bool,
            _ coefficients: UnsafeMutableRawPointer,
            _ blockLength: Int,
            _ lower: Int,
            _ upper: Int,
            _ roots: UnsafePointer<Double>,
            _ levels: UnsafeRawPointer
        ) -> Void

    typealias Multiply =
        @Sendable (
            _ f: UnsafeMutableRawPointer,
            _ g: UnsafeMutableRawPointer,
            _ leafLength: Int,
            _ levelCount: Int,
            _ blocks: Range<Int>,
            _ roots: UnsafePointer<Double>,
            _ levels: UnsafeRawPointer,
            _ operation: Int
        ) -> Void

    typealias Store =
        @Sendable (
            _ coefficients: UnsafeRawPointer,
            _ digits: UnsafeMutablePointer<Int32>,
            _ blockLength: Int,
            _ lower: Int,
            _ upper: Int,
            _ scale: Double,
            _ base: Double,
            _ roots: UnsafePointer<Double>,
            _ levels: UnsafeRawPointer,
            _ carries: UnsafeMutablePointer<Int64>
        ) -> (error: Double, magnitude: Double)

    typealias WriteText =
        @Sendable (
            _ limbs: UnsafePointer<UInt64>,
            _ count: Int,
            _ end: UnsafeMutableRawPointer
        ) -> Void

    private init(
        name: String,
        lanes: Int,
        coefficientSize: Int,
        load: @escaping Load,
        multiply: @escaping Multiply,
        store: @escaping Store,
        writeText: @escaping WriteText,
        narrower: TransformKernel? = nil
    ) {
        self.name = name
        self.lanes = lanes
        self.coefficientSize = coefficientSize
        self.load = load
        self.multiply = multiply
        self.store = store
        self.writeText = writeText
        self.narrower = narrower
        self.levels = LevelTable(lanes: lanes)
    }

    /// This kernel, or the one that does better for products of so many digits in the transform's base.
    func suited(toDigitCount digitCount: Int) -> TransformKernel {
        if let narrower, digitCount < Self.narrowerLimit { narrower } else { self }
    }

    /// The kernels that this processor can run, the fastest one first and the one that runs everywhere last.
    public static let available: [TransformKernel] = {
        var kernels = [portable]
        #if canImport(TransformKernelAVX2)
            let features = ProcessorFeatures()
            if features.hasAVX2 { kernels.insert(avx2, at: 0) }
            if features.hasAVX512 { kernels.insert(avx512, at: 0) }
        #endif
        return kernels
    }()

    /// The fastest kernel that this processor can run.
    public static var fastest: TransformKernel { available[0] }

    /// The kernel for every processor of this architecture.
    public static var baseline: TransformKernel { portable }

    #if arch(x86_64)
        private static let portableName = "sse2"
    #elseif arch(arm64)
        private static let portableName = "neon"
    #else
        private static let portableName = "portable"
    #endif

    private static let portable = TransformKernel(
        name: portableName,
        lanes: TransformKernelPortable.Kernel.lanes,
        coefficientSize: TransformKernelPortable.Kernel.coefficientSize,
        load: TransformKernelPortable.Kernel.load,
        multiply: TransformKernelPortable.Kernel.multiply,
        store: TransformKernelPortable.Kernel.store,
        writeText: TransformKernelPortable.Kernel.writeText
    )

    #if canImport(TransformKernelAVX2)
        private static let avx2 = TransformKernel(
            name: "avx2",
            lanes: TransformKernelAVX2.Kernel.lanes,
            coefficientSize: TransformKernelAVX2.Kernel.coefficientSize,
            load: TransformKernelAVX2.Kernel.load,
            multiply: TransformKernelAVX2.Kernel.multiply,
            store: TransformKernelAVX2.Kernel.store,
            writeText: TransformKernelAVX2.Kernel.writeText
        )

        private static let avx512 = TransformKernel(
            name: "avx512",
            lanes: TransformKernelAVX512.Kernel.lanes,
            coefficientSize: TransformKernelAVX512.Kernel.coefficientSize,
            load: TransformKernelAVX512.Kernel.load,
            multiply: TransformKernelAVX512.Kernel.multiply,
            store: TransformKernelAVX512.Kernel.store,
            writeText: TransformKernelAVX512.Kernel.writeText,
            narrower: avx2
        )
    #endif
}
