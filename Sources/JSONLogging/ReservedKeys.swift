/// The keys that a line uses itself.
enum ReservedKeys {
    /// What a caller's key gets in front when it is reserved.
    static let prefix: StaticString = "metadata."

    private static let longest = 9

    /// Whether a caller's key needs the prefix: it is a reserved key, or one with prefixes already, which another
    /// key may have become.
    static func contain(_ key: UnsafeRawBufferPointer, andError isErrorTaken: Bool = false) -> Bool {
        var key = key
        while key.count > longest, starts(key, with: prefix) {
            key = UnsafeRawBufferPointer(rebasing: key[prefix.utf8CodeUnitCount...])
        }
        return switch key.count {
        case 4: equals(key, "line") || equals(key, "file")
        case 5: equals(key, "level") || (isErrorTaken && equals(key, "error"))
        case 6: equals(key, "logger") || equals(key, "source")
        case 7: equals(key, "message")
        case 8: equals(key, "function")
        case 9: equals(key, "timestamp")
        default: false
        }
    }

    private static func equals(_ key: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        key.count == name.utf8CodeUnitCount && starts(key, with: name)
    }

    @inline(__always)
    private static func starts(_ key: UnsafeRawBufferPointer, with name: StaticString) -> Bool {
        name.withUTF8Buffer { name in
            for index in 0..<name.count where key[index] != name[index] {
                return false
            }
            return true
        }
    }
}
