/// Products and squares of single numbers by the floating-point transform.
///
/// Nothing is believed: beside the watch on rounding, the product's residue modulo 2^61 − 1 is compared with that of the factors. A
/// product that fails is formed again in a smaller base.
package enum TransformProduct {
    /// The length of the shorter factor from which the transform beats Karatsuba's method, in limbs.
    ///
    /// Measured: products cross at 140 limbs and squares at 150, with AVX2 and with AVX-512; with SSE2 at 220 and 250.
    package static let threshold = 150

    /// The product of two numbers, or nil if no base would do.
    ///
    /// - Parameter onFault: Called for each product that was thrown away.
    /// - Complexity: O(n log n) in the number of digits of the product.
    package static func multiply(
        _ a: DecimalNatural,
        _ b: DecimalNatural,
        kernel: TransformKernel = .fastest,
        perturb: ((UnsafeMutableBufferPointer<Double>) -> Void)? = nil,
        onFault: (TransformFault) -> Void = { _ in }
    ) -> DecimalNatural? {
        let residue = Mersenne61.multiply(a.residueModuloMersenne61, b.residueModuloMersenne61)
        return form(.product, a.digitCount + b.digitCount, residue, kernel, perturb, onFault) { $0.load(a, b) }
    }

    /// The square of a number, or nil if no base would do; for two thirds of the price of a product.
    ///
    /// - Parameter onFault: Called for each square that was thrown away.
    /// - Complexity: O(n log n) in the number of digits of the square.
    package static func square(
        _ a: DecimalNatural,
        kernel: TransformKernel = .fastest,
        perturb: ((UnsafeMutableBufferPointer<Double>) -> Void)? = nil,
        onFault: (TransformFault) -> Void = { _ in }
    ) -> DecimalNatural? {
        let residue = a.residueModuloMersenne61
        let expected = Mersenne61.multiply(residue, residue)
        return form(.square, 2 * a.digitCount, expected, kernel, perturb, onFault) { $0.load(a) }
    }

    private static func form(
        _ operation: TransformMultiplier.Operation,
        _ maximumDigits: Int,
        _ residue: UInt64,
        _ kernel: TransformKernel,
        _ perturb: ((UnsafeMutableBufferPointer<Double>) -> Void)?,
        _ onFault: (TransformFault) -> Void,
        load: (TransformMultiplier) -> Void
    ) -> DecimalNatural? {
        let largest = TransformMultiplier.exponent(forDigitCount: maximumDigits)
        for exponent in stride(from: largest, through: TransformMultiplier.smallestExponent, by: -1) {
            let multiplier = TransformMultiplier(
                maximumDigits: maximumDigits,
                exponent: exponent,
                kernel: kernel,
                perturb: perturb
            )
            load(multiplier)
            if let fault = multiplier.perform(.init(operation), checkpoint: { _ in }) {
                onFault(fault)
                continue
            }
            switch multiplier.result() {
            case .success(let product) where product.residueModuloMersenne61 == residue: return product
            case .success: onFault(TransformFault(reason: .residue, exponent: exponent))
            case .failure(let fault): onFault(fault)
            }
        }
        return nil
    }
}
