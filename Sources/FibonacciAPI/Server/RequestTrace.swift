import NIOCore

/// Remembers how the request that is being read began, to tell what a parser's error was about.
///
/// The parser says that a method is invalid or that a limit was broken, not whether the bytes looked like HTTP at all nor
/// whether it was the request line that broke the limit.
struct RequestTrace {
    private var beginning = ByteBuffer()
    private var isLineComplete = false
    private var completedCount = 0

    /// Notes a chunk before it is parsed. It is kept, not copied, unless the request line spans several.
    mutating func received(_ chunk: ByteBuffer, beginsRequest: Bool) {
        if beginsRequest {
            beginning = chunk
            isLineComplete = false
            completedCount = 0
        } else if !isLineComplete {
            isLineComplete = requestBeginning.contains(UInt8(ascii: "\n"))
            if !isLineComplete { beginning.writeImmutableBuffer(chunk) }
        }
    }

    /// Forgets the chunk, whose memory then serves the next read.
    mutating func clear() {
        beginning = ByteBuffer()
    }

    /// Notes that a request in the chunk was read to its end.
    mutating func completedRequest() {
        completedCount += 1
    }

    /// The beginning of the present request: behind as many empty lines as requests in the chunk were complete. A body with an
    /// empty line in it can mislead this; then the fault is told less exactly.
    private var requestBeginning: Slice<ByteBufferView> {
        let view = beginning.readableBytesView
        var start = view.startIndex
        for _ in 0..<completedCount {
            while start < view.endIndex, !view[start...].starts(with: "\r\n\r\n".utf8) { start += 1 }
            start = min(start + 4, view.endIndex)
        }
        return Slice(base: view, bounds: start..<view.endIndex).drop {
            $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n")
        }
    }

    private var requestLine: Slice<ByteBufferView> {
        requestBeginning.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
    }

    /// How long the request line is, as far as it came.
    var lineLength: Int { requestLine.count }

    /// Whether the request line ends in a well-formed version (RFC 9112 §2.3) other than the two that are spoken here.
    var namesForeignVersion: Bool {
        let version = Array(requestLine.suffix(8))
        return version.starts(with: "HTTP/".utf8) && version.count == 8 && version[5].isDigit
            && version[6] == UInt8(ascii: ".") && version[7].isDigit
            && !version.elementsEqual("HTTP/1.1".utf8) && !version.elementsEqual("HTTP/1.0".utf8)
    }

    /// Whether the request starts with a word that could be a method (a token and a space).
    var startsWithMethod: Bool {
        let method = requestBeginning.prefix(while: \.isTokenCharacter)
        return !method.isEmpty && requestBeginning.dropFirst(method.count).first == UInt8(ascii: " ")
    }
}
