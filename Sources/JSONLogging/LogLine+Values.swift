import Logging

extension LogLine {
    /// How deep nested metadata is shown; what is deeper becomes the string `…`.
    static var deepestNesting: Int { 8 }

    /// Appends a metadata value: as JSON, or in text as the bare word where it is one.
    mutating func appendValue(_ value: Logger.MetadataValue, depth: Int = 0) {
        switch value {
        case .string(let string):
            appendString(string, nested: depth > 0)
        case .stringConvertible(let convertible):
            appendConvertible(convertible, nested: depth > 0)
        case .dictionary, .array:
            guard depth < Self.deepestNesting else { return appendString("…", nested: depth > 0) }
            appendNested(value, depth: depth + 1)
        }
    }

    private mutating func appendNested(_ value: Logger.MetadataValue, depth: Int) {
        if case .array(let values) = value {
            buffer.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 {
                    buffer.append(UInt8(ascii: ","))
                }
                appendValue(value, depth: depth)
            }
            buffer.append(UInt8(ascii: "]"))
        } else if case .dictionary(let entries) = value {
            buffer.append(UInt8(ascii: "{"))
            var isFirst = true
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                if !isFirst {
                    buffer.append(UInt8(ascii: ","))
                }
                isFirst = false
                buffer.appendQuoted(key)
                buffer.append(UInt8(ascii: ":"))
                appendValue(value, depth: depth)
            }
            buffer.append(UInt8(ascii: "}"))
        }
    }

    /// Numbers and booleans keep their type; comparing types first spares a failing cast for each.
    private mutating func appendConvertible(_ value: some CustomStringConvertible, nested: Bool) {
        let type = type(of: value)
        if type == Int.self, let value = value as? Int {
            buffer.appendDecimal(value)
        } else if type == Bool.self, let value = value as? Bool {
            buffer.append(value ? "true" : "false")
        } else if type == Double.self, let value = value as? Double, value.isFinite {
            buffer.appendShortest(value)
        } else if type == Float.self, let value = value as? Float, value.isFinite {
            buffer.appendShortest(value)
        } else if let value = value as? any FixedWidthInteger {
            // Not its description, which any type may define as it likes.
            var digits = String(value, radix: 10)
            digits.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
        } else {
            appendString(value.description, nested: nested)
        }
    }

    /// Appends a string value; text leaves the quotes out where they say nothing.
    mutating func appendString(_ string: String, nested: Bool = false) {
        var string = string
        string.withUTF8 { appendString(UnsafeRawBufferPointer($0), nested: nested) }
    }

    @inline(__always)
    mutating func appendString(_ bytes: UnsafeRawBufferPointer, nested: Bool = false) {
        if format == .text, !nested, Self.isBareWord(bytes) {
            buffer.append(bytes)
        } else {
            buffer.appendQuoted(bytes)
        }
    }

    /// Appends the name of a field and what parts it from the value.
    @inline(__always)
    mutating func appendName(_ key: UnsafeRawBufferPointer) {
        appendString(key)
        buffer.append(format == .json ? UInt8(ascii: ":") : UInt8(ascii: "="))
    }

    /// The same for a key that the line uses itself.
    mutating func appendPrefixedName(_ key: UnsafeRawBufferPointer) {
        var name = ByteBuffer(capacity: ReservedKeys.prefix.utf8CodeUnitCount + key.count)
        name.append(ReservedKeys.prefix)
        name.append(key)
        name.withBytes { appendName($0) }
    }

    private static func isBareWord(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty, bytes.count <= ByteBuffer.longestString else { return false }
        return bytes.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                && byte != UInt8(ascii: "=")
        }
    }
}
