/// Products in quadratic time, the fastest way for small limb counts.
///
/// Product scanning (Comba, "Exponentiation cryptosystems on the IBM PC", IBM Systems Journal 29, 1990): the result is
/// formed column by column, so that each column is reduced by the radix once instead of once a product.
enum Schoolbook {
    /// Writes `a · b`: `a.count · b.count` word products.
    /// - Precondition: `1 ≤ b.count ≤ a.count`, `b.count ≤ ColumnReducer.maximumProducts`, and `product` holds
    ///   `a.count + b.count` limbs that overlap neither operand.
    static func multiply(_ a: LimbSource, _ b: LimbSource, into product: LimbTarget) {
        assert(1 <= b.count && b.count <= a.count && b.count <= ColumnReducer.maximumProducts)
        assert(product.count == a.count + b.count)
        var reducer = ColumnReducer()
        let columns = a.count &+ b.count &- 1
        var column = 0
        while column < columns {
            let first = max(0, column &- (a.count &- 1))
            let last = min(column, b.count &- 1)
            // Two sums, because the additions of one would wait for each other.
            var (even, odd): (UInt128, UInt128) = (0, 0)
            var j = first
            while j < last {
                even &+= UInt128(b[j]) &* UInt128(a[column &- j])
                odd &+= UInt128(b[j &+ 1]) &* UInt128(a[column &- j &- 1])
                j &+= 2
            }
            if j == last { even &+= UInt128(b[j]) &* UInt128(a[column &- j]) }
            product[column] = reducer.limb(for: even &+ odd)
            column &+= 1
        }
        product[columns] = reducer.lastLimb
    }

    /// Writes `a²`: each product of two different limbs is formed once and counted twice.
    /// - Precondition: `1 ≤ a.count ≤ ColumnReducer.maximumProducts`, and `square` holds `2 · a.count` limbs that do
    ///   not overlap `a`.
    static func square(_ a: LimbSource, into square: LimbTarget) {
        assert(1 <= a.count && a.count <= ColumnReducer.maximumProducts)
        assert(square.count == 2 * a.count)
        var reducer = ColumnReducer()
        let columns = 2 &* a.count &- 1
        var column = 0
        while column < columns {
            var low = max(0, column &- (a.count &- 1))
            var high = column &- low
            var sum: UInt128 = 0
            while low < high {
                sum &+= UInt128(a[low]) &* UInt128(a[high])
                low &+= 1
                high &-= 1
            }
            sum &+= sum
            if low == high { sum &+= UInt128(a[low]) &* UInt128(a[low]) }
            square[column] = reducer.limb(for: sum)
            column &+= 1
        }
        square[columns] = reducer.lastLimb
    }
}
