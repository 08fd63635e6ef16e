import TestSupport
import Testing

@testable import PrometheusMetrics

@Suite("Numbers")
struct NumberTextTests {
    @Test(
        "are written as short as they may be",
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-17, "-17"), (0.1, "0.1"), (1e6, "1000000"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_991, "9007199254740991"), (9_007_199_254_740_992, "9007199254740992.0"),
            (1e16, "1e+16"), (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"), (1e-7, "1e-07"),
            (123.456, "123.456"),
            (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (-.nan, "NaN"),
        ] as [(Double, String)]
    )
    func samples(_ value: Double, _ text: String) {
        #expect(NumberText.sample(value) == text)
    }

    @Test("are the same when they are read again")
    func roundTrip() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(Double(NumberText.sample(value)) == value)
            #expect(Double(NumberText.bound(value)) == value)
            let large = Double.random(in: 1e6...1e17, using: &generator)
            #expect(Double(NumberText.bound(large)) == large)
        }
    }

    @Test(
        "that bound buckets have the canonical form of OpenMetrics",
        arguments: [
            (0, "0.0"), (1, "1.0"), (0.005, "0.005"), (0.0001, "0.0001"), (1e-5, "1e-05"), (10, "10.0"),
            (100_000, "100000.0"), (1e6, "1e+06"), (1_234_567.5, "1.2345675e+06"), (1e10, "1e+10"), (2.5e7, "2.5e+07"),
            (1e16, "1e+16"), (-1e6, "-1000000.0"), (.infinity, "+Inf"),
        ] as [(Double, String)]
    )
    func bounds(_ value: Double, _ text: String) {
        #expect(NumberText.bound(value) == text)
    }

    @Test("that were added up as integers lose no digit")
    func integers() {
        let registry = PrometheusRegistry()
        registry.counter("c", help: "C.").increment(by: 9_007_199_254_740_993)
        #expect(registry.sample("c_total") == "9007199254740993")
    }
}
