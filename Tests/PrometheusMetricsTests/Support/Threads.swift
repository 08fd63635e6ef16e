import Foundation

/// Runs `body` on as many threads as asked for, which begin together, and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let gate = NSCondition()
    let done = DispatchGroup()
    let arrivals = Arrivals()
    for index in 0..<count {
        done.enter()
        Thread.detachNewThread {
            gate.lock()
            arrivals.count += 1
            if arrivals.count == count { gate.broadcast() }
            while arrivals.count < count { gate.wait() }
            gate.unlock()
            body(index)
            done.leave()
        }
    }
    done.wait()
}

/// `@unchecked Sendable`: read and written only under the condition's lock.
private final class Arrivals: @unchecked Sendable {
    var count = 0
}
