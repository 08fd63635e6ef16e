import NIOCore
import PrometheusMetrics
import ServiceLifecycle
import Synchronization

/// Measures how late event loops are: each is given a timer again and again, and what it is late is what every request on it waits.
final class EventLoopLagService: Service {
    private static let period: TimeAmount = .milliseconds(250)

    private let group: any EventLoopGroup
    private let lags: PrometheusHistogram
    private let isStopped = Atomic(false)

    init(group: any EventLoopGroup, registry: PrometheusRegistry) {
        self.group = group
        lags = registry.histogram(
            "fib_event_loop_lag_seconds",
            help: "How late an event loop is for a timer.",
            unit: "seconds",
            buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
        )
    }

    func run() async throws {
        for loop in group.makeIterator() { measure(loop, at: .now() + Self.period) }
        try? await gracefulShutdown()
        isStopped.store(true, ordering: .relaxed)
    }

    private func measure(_ loop: any EventLoop, at time: NIODeadline) {
        loop.scheduleTask(deadline: time) { [self] in
            let now = NIODeadline.now()
            lags.observe(.nanoseconds((now - time).nanoseconds))
            if !isStopped.load(ordering: .relaxed) { measure(loop, at: now + Self.period) }
        }
    }
}
