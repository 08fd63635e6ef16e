/// A list as in `key=value,key=value`, values percent-encoded: the form of W3C Baggage, without properties.
enum KeyValueList {
    /// The pairs in order, or nil if the list is malformed. Empty members are passed over.
    static func parse(_ text: String) -> [(key: String, value: String)]? {
        var pairs: [(key: String, value: String)] = []
        for part in text.utf8.split(separator: UInt8(ascii: ",")) {
            let member = FieldText.trimmed(part)
            if member.isEmpty { continue }
            guard let equals = member.firstIndex(of: UInt8(ascii: "=")),
                let key = decoded(FieldText.trimmed(member[..<equals])), !key.isEmpty,
                let value = decoded(FieldText.trimmed(member[member.index(after: equals)...]))
            else { return nil }
            pairs.append((key, value))
        }
        return pairs
    }

    /// The text that percent-encoded text stands for: RFC 3986, §2.1. Nil if it is malformed or no UTF-8.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
        return Hexadecimal.value(CollectionOfOne(isCapital ? byte | 0x20 : byte)).map { UInt8($0) }
    }
}
