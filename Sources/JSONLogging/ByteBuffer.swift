/// Bytes that grow at the end, with one owner and no bounds checks on the way in.
///
/// Appending is amortised O(bytes appended). An `Array` checks uniqueness and capacity for every byte; a log
/// line is built of hundreds of small appends.
struct ByteBuffer: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        base.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    var last: UInt8? { count == 0 ? nil : base[count - 1] }

    /// What has been appended, until the closure returns.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Forgets the bytes and keeps the memory.
    mutating func removeAll() {
        count = 0
    }

    /// Makes room for `additional` more bytes.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if capacity - count < additional {
            grow(additional)
        }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        let enlarged = max(capacity * 2, count + additional)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: enlarged)
        moved.moveInitialize(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = enlarged
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends exactly `length` bytes that `fill` writes.
    @inline(__always)
    mutating func append(length: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        reserve(length)
        fill(base + count)
        count += length
    }
}
