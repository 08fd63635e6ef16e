import DecimalArithmetic
import Fibonacci
import TestSupport
import Testing

@Suite("Digit counts")
struct DigitCountTests {
    @Test("the closed form equals the real length for every n up to 20 000")
    func everySmallIndex() {
        // F(−1) = 1 starts the recurrence; adding in place keeps the twenty thousand additions cheap.
        var current: DecimalNatural = 0
        var previous: DecimalNatural = 1
        for n in 0...20_000 {
            if Fibonacci.digitCount(at: n) != current.digitCount {
                Issue.record("F(\(n)) has \(current.digitCount) digits, not \(Fibonacci.digitCount(at: n))")
            }
            swap(&current, &previous)
            current += previous
        }
    }

    @Test(
        "the first indices with one more digit",
        arguments: [(0, 1), (1, 1), (2, 1), (6, 1), (7, 2), (11, 2), (12, 3), (16, 3), (17, 4), (20, 4), (21, 5)]
    )
    func firstCrossings(n: Int, digits: Int) {
        #expect(Fibonacci.digitCount(at: n) == digits)
    }

    /// The indices below each power of ten whose φⁿ/√5 is closest to a power of ten, on either side; found with the
    /// continued fraction of log₁₀φ and counted with sixty digits.
    private static let closest: [(Int, Int)] = [
        (83, 17), (16, 3), (40, 9), (662, 139), (217, 46), (150, 31), (2_954, 618), (8_940, 1_869), (7_093, 1_482),
        (72_939, 15_244), (66_953, 13_992), (964_786, 201_629), (620_847, 129_750), (276_908, 57_871),
        (7_499_627, 1_567_330), (7_843_566, 1_639_208), (7_155_688, 1_495_451), (39_625_924, 8_281_328),
        (55_517_103, 11_602_389), (87_643_400, 18_316_387), (519_112_806, 108_488_160), (103_534_579, 21_637_448),
        (934_691_033, 195_338_873), (3_316_234_264, 693_051_974), (7_184_255_617, 1_501_420_629),
        (8_255_155_512, 1_725_225_470), (62_407_454_454, 13_042_386_641), (58_539_433_101, 12_234_017_985),
        (66_275_475_807, 13_850_755_296), (967_044_964_174, 202_100_445_078), (255_153_200_436, 53_323_865_262),
        (125_366_695_997, 26_200_089_962),
    ]

    @Test("the indices that come closest to a power of ten", arguments: closest)
    func hardIndices(n: Int, digits: Int) {
        #expect(Fibonacci.digitCount(at: n) == digits)
    }

    @Test(
        "round indices",
        arguments: [
            (1_000, 209), (1_000_000, 208_988), (10_000_000, 2_089_877), (100_000_000, 20_898_764),
            (1_000_000_000, 208_987_640), (999_999_999_999, 208_987_640_250), (1_000_000_000_000, 208_987_640_250),
        ]
    )
    func roundIndices(n: Int, digits: Int) {
        #expect(Fibonacci.digitCount(at: n) == digits)
    }

    @Test("real numbers around the crossings have the lengths told", arguments: [2_954, 8_940, 66_953, 72_939])
    func aroundCrossings(n: Int) {
        for index in (n - 2)...(n + 2) {
            #expect(Fibonacci.value(at: index).digitCount == Fibonacci.digitCount(at: index))
        }
    }

    @Test("lengths never fall, and grow by one within every five indices at most")
    func monotone() {
        var generator = SeededGenerator(seed: 50)
        for _ in 0..<500 {
            let start = Int.random(in: 2...(Fibonacci.maximumIndex - 60), using: &generator)
            var previous = Fibonacci.digitCount(at: start)
            var since = 0
            for n in (start + 1)...(start + 50) {
                let count = Fibonacci.digitCount(at: n)
                #expect(count == previous || count == previous + 1)
                since = count == previous ? since + 1 : 0
                #expect(since < 5)
                previous = count
            }
        }
    }

    @Test(
        "the price is one token, and one more for every ten thousand digits",
        arguments: [(0, 1), (100, 1), (47_846, 1), (47_847, 2), (100_000, 3), (1_000_000, 21), (10_000_000, 209)]
    )
    func cost(n: Int, tokens: Int) {
        #expect(Fibonacci.cost(at: n) == tokens)
    }
}
