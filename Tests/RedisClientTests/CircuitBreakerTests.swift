import NIOCore
import TestSupport
import Testing

@testable import RedisClient

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    private var breaker = CircuitBreaker(policy: CircuitBreakerPolicy())

    private static func at(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(UInt64((1000 + seconds) * 1e9))
    }

    private mutating func record(_ success: Bool, at seconds: Double = 0) -> Bool {
        breaker.record(success: success, at: Self.at(seconds))
    }

    @Test("it opens at the fifth failure in a row, and tells once")
    mutating func consecutive() {
        #expect((0..<7).map { _ in record(false) } == [false, false, false, false, true, false, false])
        #expect(breaker.state == .open(until: Self.at(0.5)))
    }

    @Test("a success in between begins the row anew")
    mutating func interrupted() {
        for _ in 0..<4 { _ = record(false) }
        _ = record(true)
        #expect((0..<5).map { _ in record(false) } == [false, false, false, false, true])
    }

    @Test("it opens when half of the calls of the last ten seconds fail, but not on a few calls")
    mutating func share() {
        var opened: Int?
        for call in 0..<40 where opened == nil {
            if record(call % 2 == 0, at: Double(call) * 0.1) { opened = call }
        }
        #expect(opened == 19)
    }

    @Test("less than half is not enough, and old failures do not count")
    mutating func window() {
        for call in 0..<300 { #expect(record(call % 3 != 0, at: Double(call) * 0.1) == false) }
        for call in 0..<12 { #expect(record(call % 3 == 0, at: 100 + Double(call) * 0.01) == false) }
        for call in 0..<12 { #expect(record(call % 3 != 0, at: 111 + Double(call) * 0.01) == false) }
    }

    @Test("one probe at a time, when it is due; its success closes the circuit with a clean slate")
    mutating func probe() {
        for _ in 0..<5 { _ = record(false) }
        #expect(breaker.beginProbe(at: Self.at(0.4)) == false)
        #expect(breaker.beginProbe(at: Self.at(0.5)) == true)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.beginProbe(at: Self.at(9)) == false)
        #expect(breaker.probeEnded(success: true, at: Self.at(0.6)) == true)
        #expect(breaker.isClosed)
        #expect((0..<5).map { _ in record(false, at: 0.7) } == [false, false, false, false, true])
    }

    @Test("each failed probe doubles the time to the next, up to a maximum")
    mutating func probeBackoff() {
        for _ in 0..<5 { _ = record(false) }
        var now = 0.5
        for wait in [1.0, 2, 2, 2] {
            #expect(breaker.beginProbe(at: Self.at(now)) == true)
            #expect(breaker.probeEnded(success: false, at: Self.at(now)) == false)
            #expect(breaker.state == .open(until: Self.at(now + wait)))
            now += wait
        }
    }

    @Test("a circuit that opens again soon after it was closed stays open for longer")
    mutating func relapse() {
        var now = 0.0
        for wait in [0.5, 1.0, 2, 2] {
            for _ in 0..<5 { _ = record(false, at: now) }
            #expect(breaker.state == .open(until: Self.at(now + wait)))
            now += wait
            #expect(breaker.beginProbe(at: Self.at(now)) == true)
            #expect(breaker.probeEnded(success: true, at: Self.at(now)) == true)
        }
        now += 10
        for _ in 0..<5 { _ = record(false, at: now) }
        #expect(breaker.state == .open(until: Self.at(now + 0.5)))
    }

    @Test("calls that end after the circuit has opened change nothing")
    mutating func stragglers() {
        for _ in 0..<5 { _ = record(false) }
        let state = breaker.state
        for _ in 0..<10 { #expect(record(true, at: 0.1) == false) }
        #expect(breaker.state == state)
    }

    @Test("whatever happens, it does what a plain list of calls says", arguments: UInt64(0)..<40)
    func model(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let policy = CircuitBreakerPolicy()
        var breaker = CircuitBreaker(policy: policy)
        var history: [(tenth: Int, success: Bool)] = []
        var row = 0
        let failureRate = Double.random(in: 0.1...0.6, using: &generator)
        // The window moves in steps of a tenth of it; so times are whole seconds here.
        var second = 1000
        for _ in 0..<2000 {
            second += Int.random(in: 0...9, using: &generator) == 0 ? Int.random(in: 1...12, using: &generator) : 0
            let now = NIODeadline.uptimeNanoseconds(UInt64(second) * 1_000_000_000)
            if !breaker.isClosed {
                let later = now + .seconds(3)
                second += 3
                #expect(breaker.beginProbe(at: later) == true)
                let success = Bool.random(using: &generator)
                #expect(breaker.probeEnded(success: success, at: later) == success)
                #expect(breaker.isClosed == success)
                if success { (history, row) = ([], 0) }
                continue
            }
            let success = Double.random(in: 0..<1, using: &generator) >= failureRate
            history.append((second, success))
            row = success ? 0 : row + 1
            let recent = history.filter { $0.tenth > second - 10 }
            let failures = recent.count { !$0.success }
            let expected = !success && (row >= 5 || (recent.count >= 20 && failures * 2 >= recent.count))
            #expect(breaker.record(success: success, at: now) == expected)
            #expect(breaker.isClosed == !expected)
        }
    }
}
