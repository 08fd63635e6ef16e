/// An aggregate whose elements are still being read.
struct RESPAggregate {
    private let type: RESPType
    private var missing: Int
    private var elements: [RESPValue] = []

    /// The most elements for which memory is taken on the strength of a count alone.
    private static let trustedCount = 64

    init(type: RESPType, count: Int) {
        self.type = type
        missing = count
        if type != .attribute { elements.reserveCapacity(min(count, Self.trustedCount)) }
    }

    /// Adds the next element.
    ///
    /// - Returns: whether it was the last.
    mutating func append(_ element: RESPValue) -> Bool {
        if type != .attribute { elements.append(element) }
        missing -= 1
        return missing == 0
    }

    /// The complete aggregate; nil for an attribute, which is none.
    var value: RESPValue? {
        switch type {
        case .map: .map(RESPMap(alternating: elements))
        case .set: .set(elements)
        case .push: .push(elements)
        case .attribute: nil
        default: .array(elements)
        }
    }
}
