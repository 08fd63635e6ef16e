import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("RESP decoder")
struct DecoderTests {
    private func decode(_ wire: String, limits: RESPLimits = RESPLimits()) throws -> [RESPValue] {
        var decoder = RESPDecoder(limits: limits)
        decoder.append(ByteBuffer(string: wire))
        return try decoder.all()
    }

    private func failure(of wire: String, limits: RESPLimits = RESPLimits()) -> RESPDecodingError.Code? {
        do throws(RESPDecodingError) {
            var decoder = RESPDecoder(limits: limits)
            decoder.append(ByteBuffer(string: wire))
            _ = try decoder.all()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("each kind of reply means what the specification says", arguments: Samples.replies.indices)
    func kinds(index: Int) throws {
        #expect(try decode(Samples.replies[index].wire) == [Samples.replies[index].value])
    }

    @Test("a number that is none is one")
    func notANumber() throws {
        guard case .double(let value)? = try decode(",nan\r\n").first else {
            Issue.record("no double")
            return
        }
        #expect(value.isNaN)
    }

    @Test("replies are the same wherever the stream is cut in two")
    func everySplit() throws {
        let stream = Samples.stream
        for cut in 0...stream.count {
            var decoder = RESPDecoder()
            decoder.append(ByteBuffer(bytes: stream[..<cut]))
            var values = try decoder.all()
            decoder.append(ByteBuffer(bytes: stream[cut...]))
            values += try decoder.all()
            #expect(values == Samples.replies.map(\.value), "cut at \(cut)")
            #expect(!decoder.isWithinReply)
        }
    }

    @Test("replies are the same byte by byte, with empty reads between")
    func byteByByte() throws {
        var decoder = RESPDecoder()
        var values: [RESPValue] = []
        for byte in Samples.stream {
            decoder.append(ByteBuffer(bytes: [byte]))
            values += try decoder.all()
            decoder.append(ByteBuffer())
            values += try decoder.all()
        }
        #expect(values == Samples.replies.map(\.value))
    }

    @Test("replies are the same in reads of random sizes", arguments: UInt64(0)..<50)
    func randomReads(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var rest = Samples.stream[...]
        var decoder = RESPDecoder()
        var values: [RESPValue] = []
        while !rest.isEmpty {
            let count = Int.random(in: 1...17, using: &generator)
            decoder.append(ByteBuffer(bytes: rest.prefix(count)))
            rest = rest.dropFirst(count)
            if Bool.random(using: &generator) { values += try decoder.all() }
        }
        values += try decoder.all()
        #expect(values == Samples.replies.map(\.value))
    }

    @Test("what is not complete is no reply")
    func incomplete() throws {
        for reply in Samples.replies {
            for cut in 0..<reply.wire.utf8.count {
                let bytes = Array(reply.wire.utf8.prefix(cut))
                var decoder = RESPDecoder()
                decoder.append(ByteBuffer(bytes: bytes))
                #expect(try decoder.all() == [])
            }
        }
    }

    @Test("a reply is under way until its last byte, attributes before it included")
    func withinReply() throws {
        for reply in Samples.replies {
            var decoder = RESPDecoder()
            for byte in reply.wire.utf8 {
                #expect(try decoder.next() == nil)
                decoder.append(ByteBuffer(bytes: [byte]))
                #expect(decoder.isWithinReply)
            }
            #expect(try decoder.next() == reply.value)
            #expect(!decoder.isWithinReply)
        }
    }

    @Test("a large string that comes in many reads is whole")
    func largeString() throws {
        let content = [UInt8](repeating: 0x37, count: 1 << 20)
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(string: "$\(content.count)\r\n"))
        for start in stride(from: 0, to: content.count, by: 4096) {
            #expect(try decoder.next() == nil)
            decoder.append(ByteBuffer(bytes: content[start..<(start + 4096)]))
        }
        decoder.append(ByteBuffer(string: "\r\n"))
        #expect(try decoder.next() == .bulkString(ByteBuffer(bytes: content)))
    }

    @Test(
        "what is no reply is refused",
        arguments: [
            ("HTTP/1.1 400 Bad Request\r\n", RESPDecodingError.Code.unknownType(0x48)),
            ("\r\n", .unknownType(0x0D)),
            ("+OK\rX", .badLineEnd),
            ("$2\r\nabc\r\n", .badLineEnd),
            ("$\r\n", .malformed("a length in decimal")),
            ("$+5\r\n", .malformed("a length in decimal")),
            ("$-2\r\n", .malformed("a length in decimal")),
            ("%-1\r\n", .malformed("a length in decimal")),
            ("!-1\r\n", .malformed("a length in decimal")),
            ("*1 \r\n", .malformed("a length in decimal")),
            ("*99999999999999999999\r\n", .malformed("a length in decimal")),
            ("$?\r\n", .streamedLength),
            ("*?\r\n", .streamedLength),
            (":\r\n", .malformed("a 64-bit integer")),
            (":1.5\r\n", .malformed("a 64-bit integer")),
            (":9223372036854775808\r\n", .malformed("a 64-bit integer")),
            (",0x1p3\r\n", .malformed("a decimal number, inf or nan")),
            (",\r\n", .malformed("a decimal number, inf or nan")),
            ("#true\r\n", .malformed("t or f")),
            ("(1x\r\n", .malformed("decimal digits")),
            ("_x\r\n", .malformed("nothing")),
            ("=3\r\ntxt\r\n", .malformed("three characters and a colon")),
            ("*1\r\n;4\r\n", .unknownType(0x3B)),
        ]
    )
    func malformed(wire: String, code: RESPDecodingError.Code) {
        #expect(failure(of: wire) == code)
    }

    @Test(
        "a string's format that is no text is refused",
        arguments: [[0xF0, 0x9F, 0x98], [0x61, 0xFF, 0x61]] as [[UInt8]]
    )
    func malformedFormat(format: [UInt8]) {
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(bytes: Array("=5\r\n".utf8) + format + Array(":x\r\n".utf8)))
        let error = #expect(throws: RESPDecodingError.self) { try decoder.next() }
        #expect(error?.code == .malformed("three characters and a colon"))
    }

    @Test("garbage is found with its first byte, before any line end")
    func earlyGarbage() {
        #expect(failure(of: "\u{16}\u{3}") == .unknownType(0x16))
    }

    @Test("a fault lasts")
    func faultLasts() {
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(string: "x"))
        #expect(throws: RESPDecodingError.self) { try decoder.next() }
        decoder.append(ByteBuffer(string: "+OK\r\n"))
        #expect(throws: RESPDecodingError.self) { try decoder.next() }
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("a fault says where it is and nothing of what was sent")
    func faultDescription() {
        let error = RESPDecodingError(.bulkTooLong(length: 99, limit: 10), offset: 7)
        #expect(
            error.description == "not a Redis reply, 7 bytes into it: a string of 99 bytes, the limit is 10"
        )
    }

    @Test("the error of a reply hides the arguments that old servers repeat")
    func echoedArguments() {
        let error = RESPError(text: "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'secret'")
        #expect(error == RESPError(prefix: "ERR", message: "unknown command 'HELLO'"))
    }
}
