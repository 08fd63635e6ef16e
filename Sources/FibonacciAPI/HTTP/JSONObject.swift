/// Writes one flat JSON object (RFC 8259) with its members in the order given.
struct JSONObject {
    private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]

    /// The finished object.
    var finished: [UInt8] { bytes + CollectionOfOne(UInt8(ascii: "}")) }

    /// Adds a string member.
    mutating func append(_ name: StaticString, _ value: String) {
        appendName(name)
        appendString(value)
    }

    /// Adds an integer member.
    mutating func append(_ name: StaticString, _ value: Int) {
        appendName(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Adds a member that is a list of strings.
    mutating func append(_ name: StaticString, _ values: [String]) {
        appendName(name)
        bytes.append(UInt8(ascii: "["))
        for (position, value) in values.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            appendString(value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Adds a string member, or one that is `null`.
    mutating func append(_ name: StaticString, orNull value: String?) {
        if let value {
            append(name, value)
        } else {
            appendName(name)
            bytes.append(contentsOf: "null".utf8)
        }
    }

    private mutating func appendName(_ name: StaticString) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        appendString("\(name)")
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20, 0x7F:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.hexDigits[Int(byte >> 4)])
                bytes.append(Self.hexDigits[Int(byte & 15)])
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
