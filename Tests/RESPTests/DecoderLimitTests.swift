import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("Limits of the RESP decoder")
struct DecoderLimitTests {
    private let limits = RESPLimits(
        maximumDepth: 4,
        maximumBulkLength: 100,
        maximumElementCount: 10,
        maximumLineLength: 50,
        maximumReplyLength: 400
    )

    private func failure(of wire: String) -> RESPDecodingError.Code? {
        var decoder = RESPDecoder(limits: limits)
        decoder.append(ByteBuffer(string: wire))
        do throws(RESPDecodingError) {
            _ = try decoder.all()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a string over its limit is refused when its length is announced")
    func bulk() {
        #expect(failure(of: "$100\r\n") == nil)
        #expect(failure(of: "$101\r\n") == .bulkTooLong(length: 101, limit: 100))
        #expect(failure(of: "$9223372036854775807\r\n") == .bulkTooLong(length: .max, limit: 100))
        #expect(failure(of: "!51\r\n") == .bulkTooLong(length: 51, limit: 50))
    }

    @Test("an aggregate over its limit is refused when its count is announced", arguments: ["*", "~", ">"])
    func aggregate(type: String) {
        #expect(failure(of: "\(type)10\r\n") == nil)
        #expect(failure(of: "\(type)11\r\n") == .tooManyElements(count: 11, limit: 10))
        #expect(failure(of: "\(type)9223372036854775807\r\n") == .tooManyElements(count: .max, limit: 10))
    }

    @Test("entries of maps and attributes count twice", arguments: ["%", "|"])
    func map(type: String) {
        #expect(failure(of: "\(type)5\r\n") == nil)
        #expect(failure(of: "\(type)6\r\n") == .tooManyElements(count: 6, limit: 10))
        #expect(failure(of: "\(type)9223372036854775807\r\n") == .tooManyElements(count: .max, limit: 10))
    }

    @Test("the elements of nested aggregates count together, and anew with each reply")
    func nestedElements() {
        #expect(failure(of: "*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*5\r\n") == .tooManyElements(count: 5, limit: 10))
        #expect(failure(of: String(repeating: "*2\r\n:1\r\n:1\r\n", count: 20)) == nil)
    }

    @Test("nesting over its limit is refused")
    func depth() {
        #expect(failure(of: String(repeating: "*1\r\n", count: 4)) == nil)
        #expect(failure(of: String(repeating: "*1\r\n", count: 5)) == .tooDeep(limit: 4))
        #expect(failure(of: String(repeating: "|1\r\n", count: 5)) == .tooDeep(limit: 4))
    }

    @Test("ten million levels cost a fault, not the stack")
    func extremeDepth() {
        #expect(failure(of: String(repeating: "*1\r\n", count: 10_000_000)) == .tooDeep(limit: 4))
    }

    @Test("a line over its limit is refused, with or without an end")
    func line() {
        #expect(failure(of: "+" + String(repeating: "a", count: 49) + "\r\n") == nil)
        #expect(failure(of: "+" + String(repeating: "a", count: 50) + "\r\n") == .lineTooLong(limit: 50))
        #expect(failure(of: "+" + String(repeating: "a", count: 51)) == .lineTooLong(limit: 50))
    }

    @Test("a reply over its limit as a whole is refused before its strings come")
    func reply() {
        let string = "$90\r\n" + String(repeating: "a", count: 90) + "\r\n"
        #expect(failure(of: "*4\r\n" + String(repeating: string, count: 4)) == nil)
        #expect(failure(of: "*5\r\n" + String(repeating: string, count: 4) + "$90\r\n") == .replyTooLarge(limit: 400))
        #expect(failure(of: String(repeating: string, count: 10)) == nil)
    }

    @Test("reads that never end with a reply keep nothing of replies that are complete")
    func unalignedReads() throws {
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(string: "$"))
        let rest = "10000\r\n" + String(repeating: "x", count: 10_000) + "\r\n$"
        for _ in 0..<1_000 {
            decoder.append(ByteBuffer(string: rest))
            #expect(try decoder.next()?.bytes?.readableBytes == 10_000)
            #expect(try decoder.next() == nil)
        }
        #expect(decoder.storageCapacity < 100_000)
    }

    @Test("an announced length takes no memory")
    func noTrust() throws {
        var decoder = RESPDecoder(limits: RESPLimits(maximumBulkLength: .max / 4, maximumReplyLength: .max / 2))
        decoder.append(ByteBuffer(string: "$\(Int.max / 4)\r\nabc"))
        #expect(try decoder.next() == nil)
        #expect(decoder.bufferedByteCount == 3)
    }

    @Test("random changes to recorded replies give values or a fault, within the limits", arguments: UInt64(0)..<20)
    func mutations(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let stream = Samples.stream
        for _ in 0..<300 {
            var bytes = stream
            for _ in 0..<Int.random(in: 1...6, using: &generator) { mutate(&bytes, using: &generator) }
            var decoder = RESPDecoder(limits: limits)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...64, using: &generator)
                decoder.append(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
                do throws(RESPDecodingError) {
                    _ = try decoder.all()
                } catch {
                    #expect(decoder.bufferedByteCount == 0)
                    break
                }
                #expect(decoder.bufferedByteCount <= 100 + 50 + 64)
            }
        }
    }

    @Test("random bytes give values or a fault", arguments: UInt64(0)..<20)
    func noise(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("+-:$*_#,(!=%~>|?0123456789\r\n\r\n\r\nab".utf8)
        for _ in 0..<500 {
            let bytes = (0..<40).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            var decoder = RESPDecoder(limits: limits)
            decoder.append(ByteBuffer(bytes: bytes))
            _ = try? decoder.all()
        }
    }

    private func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: position)
        case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: position)
        default: bytes.insert(contentsOf: Array("999999999".utf8), at: position)
        }
    }
}
