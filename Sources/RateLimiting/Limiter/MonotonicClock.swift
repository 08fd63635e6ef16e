internal import NIOCore

/// A clock that never steps back, in microseconds since whenever.
package struct MonotonicClock: Sendable {
    /// The time now.
    package let now: @Sendable () -> Int64

    /// A clock of a test's own.
    package init(_ now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// The system's.
    package static let system = MonotonicClock { Int64(NIODeadline.now().uptimeNanoseconds / 1000) }
}
