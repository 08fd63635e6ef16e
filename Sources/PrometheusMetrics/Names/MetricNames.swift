/// Makes names that Prometheus takes of any text: `[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics, the same without colons for labels.
///
/// Other characters become underscores, a leading digit gets one in front, and no name is longer than 256 bytes. Two names may become one,
/// as `a.b` and `a_b` do.
enum MetricNames {
    static let maximumLength = 256

    static func metric(_ name: String) -> String {
        sanitized(name, allowsColon: true)
    }

    /// Two leading underscores, which Prometheus keeps for itself, become one.
    static func label(_ name: String) -> String {
        let name = sanitized(name, allowsColon: false)
        guard name.utf8.starts(with: "__".utf8) else { return name }
        return "_" + name.drop { $0 == "_" }
    }

    private static func sanitized(_ name: String, allowsColon: Bool) -> String {
        var bytes: [UInt8] = []
        // By characters, so that one outside of ASCII becomes one underscore.
        for character in name {
            guard bytes.count < maximumLength else { break }
            guard let byte = character.asciiValue, character != "\r\n" else {
                bytes.append(UInt8(ascii: "_"))
                continue
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
                bytes.append(byte)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                bytes.append(byte)
            case UInt8(ascii: ":") where allowsColon:
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "_"))
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    /// The whole characters that fit into `limit` bytes of UTF-8.
    func truncated(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = startIndex
        var length = 0
        while end < endIndex {
            length += self[end].utf8.count
            guard length <= limit else { break }
            end = index(after: end)
        }
        return String(self[..<end])
    }
}
