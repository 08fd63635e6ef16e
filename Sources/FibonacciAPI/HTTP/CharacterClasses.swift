/// The character classes of HTTP and URIs, over bytes.
extension UInt8 {
    /// `DIGIT`.
    var isDigit: Bool { UInt8(ascii: "0") <= self && self <= UInt8(ascii: "9") }

    /// `ALPHA` or `DIGIT`.
    var isAlphanumeric: Bool {
        let letter = self | 0x20
        return isDigit || (UInt8(ascii: "a") <= letter && letter <= UInt8(ascii: "z"))
    }

    /// `tchar` (RFC 9110 §5.6.2).
    var isTokenCharacter: Bool { isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(self) }

    /// What may stand in `uri-host [ ":" port ]` (RFC 3986 §3.2.2).
    var isHostCharacter: Bool { isAlphanumeric || "-._~!$&'()*+;=:[]%".utf8.contains(self) }

    /// What may stand in a path without being percent-encoded (RFC 3986 §3.3).
    var isPathCharacter: Bool { isAlphanumeric || "-._~!$&'()*+,;=:@/".utf8.contains(self) }

    /// The lower-case letter for an ASCII capital; anything else as it is.
    var asciiLowercased: UInt8 {
        UInt8(ascii: "A") <= self && self <= UInt8(ascii: "Z") ? self | 0x20 : self
    }
}
