import NIOCore
import TestSupport
import Testing

@testable import RedisClient

@Suite("When to try again")
struct BackoffTests {
    @Test("waits double up to their maximum, each a half to the whole of its limit", arguments: UInt64(0)..<20)
    func growth(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var backoff = Backoff(policy: BackoffPolicy())
        for limit in [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000] {
            let wait = backoff.next(using: &generator)
            #expect(wait >= .milliseconds(limit) / 2)
            #expect(wait <= .milliseconds(limit))
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(50))
    }

    @Test("a million failures overflow nothing")
    func manyFailures() {
        var generator = SeededGenerator(seed: 1)
        var backoff = Backoff(policy: BackoffPolicy())
        for _ in 0..<1_000_000 { #expect(backoff.next(using: &generator) <= .seconds(2)) }
    }

    @Test("clients that lose a server together do not come back together")
    func jitter() {
        let waits = (UInt64(0)..<100).map { seed in
            var generator = SeededGenerator(seed: seed)
            var backoff = Backoff(policy: BackoffPolicy())
            return backoff.next(using: &generator)
        }
        #expect(Set(waits).count == 100)
    }
}

@Suite("Health")
struct HealthTrackerTests {
    private static func at(_ seconds: Int) -> NIODeadline {
        .uptimeNanoseconds(UInt64(1000 + seconds) * 1_000_000_000)
    }

    @Test("a server is starting until an attempt ends, and down with the reason of the last failure")
    func connection() {
        var health = HealthTracker()
        #expect(health.state == RedisState(.starting))
        health.connectionFailed("refused")
        #expect(health.state == RedisState(.down, reason: "refused"))
        health.connectionsChanged(open: 1)
        #expect(health.state == RedisState(.connected))
        health.connectionFailed("lost")
        health.connectionsChanged(open: 0)
        #expect(health.state == RedisState(.down, reason: "lost"))
    }

    @Test("an open circuit means down, however many connections there are")
    func circuit() {
        var health = HealthTracker()
        health.connectionsChanged(open: 2)
        health.circuitOpened("no reply in time")
        #expect(health.state == RedisState(.down, reason: "no reply in time"))
        health.circuitClosed()
        #expect(health.state == RedisState(.connected))
    }

    @Test("refused writes mean degraded until one succeeds some time after the last refusal")
    func refusedWrites() {
        var health = HealthTracker()
        health.connectionsChanged(open: 1)
        health.writeRefused("OOM", at: Self.at(0))
        #expect(health.state == RedisState(.degraded, reason: "OOM"))
        health.writeSucceeded(at: Self.at(1))
        health.writeRefused("OOM", at: Self.at(2))
        health.writeSucceeded(at: Self.at(6))
        #expect(health.state.level == .degraded)
        health.writeSucceeded(at: Self.at(7))
        #expect(health.state == RedisState(.connected))
    }
}
