import DecimalArithmetic
import TestSupport
import Testing

@Suite("Digits of a number")
struct TextTests {
    @Test("digits of every length come back as they went in")
    func roundTrip() {
        var generator = SeededGenerator(seed: 1)
        for count in Array(1...120) + [359, 360, 361, 5_000] {
            let digits = (0..<count).map { UInt8.random(in: ($0 == 0 ? 0x31 : 0x30)...0x39, using: &generator) }
            let number = DecimalNatural(decimalDigits: digits)
            #expect(number?.decimalDigits == digits)
            #expect(number?.digitCount == count)
            #expect(number?.description == String(decoding: digits, as: UTF8.self))
        }
    }

    @Test("every group of four digits is printed right, in every place of a limb")
    func fourDigitGroups() {
        for group in 0..<10_000 {
            let four = String(String(group + 10_000).dropFirst())
            let text = "7" + four + four + "12" + four + four
            #expect(DecimalNatural(text)?.description == text)
        }
    }

    @Test("leading zeros do not change the number", arguments: 0..<60)
    func leadingZeros(count: Int) {
        let zeros = String(repeating: "0", count: count)
        #expect(DecimalNatural(zeros + "907") == 907)
        #expect(DecimalNatural(zeros + "0") == .zero)
        #expect(DecimalNatural(zeros + "907")?.description == "907")
    }

    @Test("anything but ASCII digits is refused, wherever it stands")
    func notDigits() {
        #expect(DecimalNatural("") == nil)
        #expect(DecimalNatural(decimalDigits: [UInt8]()) == nil)
        for byte in UInt8.min...UInt8.max where !(0x30...0x39).contains(byte) {
            for position in [0, 1, 7, 8, 9, 17, 18, 19, 25, 36] {
                var digits = [UInt8](repeating: 0x35, count: 37)
                digits[position] = byte
                #expect(DecimalNatural(decimalDigits: digits) == nil)
            }
        }
    }

    @Test("digits are taken from spans and from collections without contiguous storage alike")
    func sources() {
        let digits = Array("12345678901234567890123".utf8)
        let expected = DecimalNatural("12345678901234567890123")
        #expect(DecimalNatural(decimalDigits: digits.span) == expected)
        #expect(DecimalNatural(decimalDigits: Array(digits.reversed()).reversed()) == expected)
        #expect(DecimalNatural(decimalDigits: digits[...]) == expected)
    }

    @Test("zero has one digit")
    func zero() {
        #expect(DecimalNatural.zero.description == "0")
        #expect(DecimalNatural.zero.digitCount == 1)
        #expect(DecimalNatural.zero.decimalDigits == [0x30])
        #expect(DecimalNatural.zero.limbCount == 0)
        #expect(DecimalNatural(UInt64(0)) == .zero)
        #expect(DecimalNatural(UInt128(0)) == .zero)
    }

    @Test("integers keep their value")
    func integers() {
        var generator = SeededGenerator(seed: 2)
        var words: [UInt64] = [1, 9, 10, 999_999_999_999_999_999, 1_000_000_000_000_000_000, .max - 1, .max]
        words += (0..<200).map { _ in UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0..<64) }
        for word in words { #expect(DecimalNatural(word).description == String(word)) }

        let square: UInt128 = 1_000_000_000_000_000_000_000_000_000_000_000_000
        var doubles: [UInt128] = [0, 1, square - 1, square, square + 1, .max, .max - 1, UInt128(UInt64.max) + 1]
        doubles += words.flatMap { a in words.prefix(20).map { b in UInt128(a) << 64 | UInt128(b) } }
        for double in doubles { #expect(DecimalNatural(double).description == String(double)) }
    }

    @Test("digits written to a buffer leave the bytes behind them alone")
    func buffer() {
        let number = Samples.nines(100)
        var bytes = [UInt8](repeating: 0xaa, count: 110)
        let written = bytes.withUnsafeMutableBytes { number.writeDigits(into: $0) }
        #expect(written == 100)
        #expect(bytes[..<100].allSatisfy { $0 == 0x39 })
        #expect(bytes[100...].allSatisfy { $0 == 0xaa })
    }

    @Test("chunks joined are the digits", arguments: [1, 18, 35, 36, 100, 4_096, 65_536])
    func chunks(size: Int) {
        var generator = SeededGenerator(seed: 3)
        for count in [1, 17, 18, 19, 36, 37, 1_000, 9_001] {
            let number = Samples.random(digits: count, using: &generator)
            var joined: [UInt8] = []
            number.withDigitChunks(ofSize: size) { chunk in
                #expect(!chunk.isEmpty && chunk.count <= max(18, size))
                joined += chunk
            }
            #expect(joined == number.decimalDigits)
        }
        var zero: [UInt8] = []
        DecimalNatural.zero.withDigitChunks(ofSize: size) { zero += $0 }
        #expect(zero == [0x30])
    }

    @Test("an error stops the chunks")
    func chunksStop() {
        struct Full: Error {}
        var count = 0
        #expect(throws: Full.self) {
            try Samples.nines(1_000).withDigitChunks(ofSize: 36) { _ in
                count += 1
                if count == 3 { throw Full() }
            }
        }
        #expect(count == 3)
    }

    @Test("a long number is shortened in debug output")
    func debugDescription() {
        #expect(DecimalNatural(UInt64(42)).debugDescription == "42")
        #expect(Samples.powerOfTen(99).debugDescription == "10000000000000000000…00000000000000000000 (100 digits)")
    }
}
