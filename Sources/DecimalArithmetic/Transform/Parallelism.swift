/// How the parts of a computation that do not depend on each other are run.
public struct Parallelism: Sendable {
    /// How many parts to make.
    public let width: Int
    /// Runs `body` with 0, 1, … up to the first argument, exclusive, in any order and at the same time if it can, and returns when
    /// all are done.
    public let run: @Sendable (_ count: Int, _ body: (Int) -> Void) -> Void

    /// Parts run by `run`.
    public init(width: Int, run: @escaping @Sendable (_ count: Int, _ body: (Int) -> Void) -> Void) {
        self.width = max(1, width)
        self.run = run
    }

    /// One part after the other, on the calling thread.
    public static let none = Parallelism(width: 1) { count, body in
        for i in 0..<count { body(i) }
    }
}
