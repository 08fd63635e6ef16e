import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("RESP encoder")
struct EncoderTests {
    private func encode(_ words: [RESPArgument]) -> String {
        var buffer = ByteBuffer()
        buffer.writeRESPCommand(words)
        #expect(buffer.readableBytes == ByteBuffer.respCommandLength(words))
        return String(buffer: buffer)
    }

    @Test("a command is an array of bulk strings")
    func command() {
        #expect(
            encode(["SET", "fib:10", RESPArgument(ByteBuffer(string: "55")), "EX", 86400])
                == "*5\r\n$3\r\nSET\r\n$6\r\nfib:10\r\n$2\r\n55\r\n$2\r\nEX\r\n$5\r\n86400\r\n"
        )
    }

    @Test("lengths are in bytes and bytes go as they are")
    func bytes() {
        #expect(encode(["é", "a\r\nb", ""]) == "*3\r\n$2\r\né\r\n$4\r\na\r\nb\r\n$0\r\n\r\n")
    }

    @Test("integers of every size are decimal", arguments: [0, 9, 10, -1, -10, 99, 100, .max, .min])
    func integers(value: Int) {
        #expect(encode([RESPArgument(value)]) == "*1\r\n$\("\(value)".utf8.count)\r\n\(value)\r\n")
    }

    @Test("what is encoded decodes to the same words")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let words = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                ByteBuffer(
                    bytes: (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    }
                )
            }
            var buffer = ByteBuffer()
            buffer.writeRESPCommand(words.map { RESPArgument($0) })
            var decoder = RESPDecoder()
            decoder.append(buffer)
            #expect(try decoder.next() == .array(words.map(RESPValue.bulkString)))
        }
    }
}
