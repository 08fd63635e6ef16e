import Synchronization

@testable import OTLPTracing

/// A collector in memory: answers in turn, then 200.
final class StubTransport: ExportTransport {
    enum Answer: Sendable {
        case status(Int, retryAfter: String? = nil, body: [UInt8] = [])
        case noConnection
    }

    struct NoConnection: Error {}

    private let answers: Mutex<[Answer]>
    let attempts = Mutex(0)

    init(_ answers: [Answer]) {
        self.answers = Mutex(answers)
    }

    func send(_ body: [UInt8], encoding: String?) async throws -> ExportResponse {
        try Task.checkCancellation()
        attempts.withLock { $0 += 1 }
        switch answers.withLock({ $0.isEmpty ? .status(200) : $0.removeFirst() }) {
        case .status(let status, let retryAfter, let body):
            return ExportResponse(status: status, retryAfter: retryAfter, body: body)
        case .noConnection:
            throw NoConnection()
        }
    }

    func shutdown() async {}
}
