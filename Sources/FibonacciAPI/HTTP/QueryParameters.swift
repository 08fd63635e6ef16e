/// Reads single parameters out of a query string (RFC 3986 §3.4, `name=value` pairs joined by `&`).
struct QueryParameters {
    /// What a query says about one parameter.
    enum Lookup: Equatable {
        /// The parameter is not there.
        case missing
        /// It is there once; its percent-decoded bytes.
        case single([UInt8])
        /// It is there this many times.
        case repeated(Int)
    }

    private let query: Substring.UTF8View

    /// Wraps the part of a request target after the `?`.
    init(_ query: Substring) {
        self.query = query.utf8
    }

    /// Finds `name`, comparing percent-decoded names; O(length of the query).
    func lookup(_ name: StaticString) -> Lookup {
        var found: [UInt8]?
        var count = 0
        for pair in query.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            let nameEnd = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard Self.matches(PercentDecoding.decode(pair[..<nameEnd]), name) else { continue }
            count += 1
            if count == 1 {
                found = PercentDecoding.decode(
                    nameEnd == pair.endIndex ? pair[nameEnd...] : pair[nameEnd...].dropFirst()
                )
            }
        }
        if count > 1 { return .repeated(count) }
        return found.map(Lookup.single) ?? .missing
    }

    private static func matches(_ bytes: [UInt8], _ name: StaticString) -> Bool {
        name.withUTF8Buffer { bytes.elementsEqual($0) }
    }
}

/// Percent-decoding of RFC 3986 §2.1.
enum PercentDecoding {
    /// The bytes of `text` with each `%XX` replaced by what it stands for; a `%` without two hex digits stays as it is.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index != text.endIndex {
            let byte = text[index]
            index = text.index(after: index)
            guard byte == UInt8(ascii: "%"), index != text.endIndex, let high = hexValue(text[index]) else {
                bytes.append(byte)
                continue
            }
            let second = text.index(after: index)
            guard second != text.endIndex, let low = hexValue(text[second]) else {
                bytes.append(byte)
                continue
            }
            bytes.append(high << 4 | low)
            index = text.index(after: second)
        }
        return bytes
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
