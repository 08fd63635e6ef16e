import NIOCore
import Testing

@testable import FibonacciAPI

@Suite("Connection state machine")
struct ConnectionStateMachineTests {
    private let limits = ConnectionLimits()
    private var machine = ConnectionStateMachine(limits: ConnectionLimits(), now: Self.at(0))

    private static func at(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(UInt64((1000 + seconds) * 1e9))
    }

    private mutating func receiveRequest(at seconds: Double, keepAlive: Bool = true, http10: Bool = false) {
        machine.bytesReceived(at: Self.at(seconds))
        #expect(
            machine.headReceived(isKeepAlive: keepAlive, isHTTP10: http10, contentLength: nil, at: Self.at(seconds))
                == nil
        )
        machine.requestReceived(at: Self.at(seconds))
    }

    private mutating func answer(at seconds: Double, draining: Bool = false) -> ConnectionStateMachine.AnswerPlan {
        machine.answer(isDraining: draining, at: Self.at(seconds))
    }

    @Test("a connection without a request is closed when its idle time is over, and not before")
    mutating func idle() {
        #expect(machine.deadline == Self.at(75))
        #expect(machine.timerFired(at: Self.at(74.9)) == .none)
        #expect(machine.timerFired(at: Self.at(75)) == .close)
    }

    @Test("the idle time starts anew with each answer")
    mutating func idleAfterAnswer() {
        receiveRequest(at: 10)
        #expect(machine.deadline == nil)
        #expect(answer(at: 50) == .init(connectionField: .absent, then: .keepOpen))
        #expect(machine.deadline == Self.at(125))
    }

    @Test("a header section that is not complete in time is answered with 408, however busily it trickles")
    mutating func slowHead() {
        machine.bytesReceived(at: Self.at(1))
        for second in 2..<11 { machine.bytesReceived(at: Self.at(Double(second))) }
        #expect(machine.deadline == Self.at(11))
        #expect(machine.timerFired(at: Self.at(11)) == .answerFault(.requestTimeout))
        #expect(machine.discardsInput)
    }

    @Test("a body gets the same time again")
    mutating func slowBody() {
        machine.bytesReceived(at: Self.at(1))
        _ = machine.headReceived(isKeepAlive: true, isHTTP10: false, contentLength: 10, at: Self.at(9))
        #expect(machine.deadline == Self.at(19))
        #expect(machine.timerFired(at: Self.at(19)) == .answerFault(.requestTimeout))
    }

    @Test("a body over the limit is a fault, announced or counted")
    mutating func largeBody() {
        let limit = limits.maximumBodySize
        machine.bytesReceived(at: Self.at(0))
        #expect(
            machine.headReceived(isKeepAlive: true, isHTTP10: false, contentLength: limit + 1, at: Self.at(0))
                == .contentTooLarge(limit: limit)
        )
        #expect(machine.bodyReceived(limit) == nil)
        #expect(machine.bodyReceived(1) == .contentTooLarge(limit: limit))
    }

    @Test("a request that asks to close gets its answer, and nothing after it is read")
    mutating func close() {
        receiveRequest(at: 0, keepAlive: false)
        #expect(machine.discardsInput)
        #expect(answer(at: 1) == .init(connectionField: .close, then: .closeOutput))
        machine.outputClosed(at: Self.at(1))
        #expect(machine.timerFired(at: Self.at(3)) == .close)
    }

    @Test("HTTP/1.0 that wants to stay is told so")
    mutating func http10() {
        receiveRequest(at: 0, keepAlive: true, http10: true)
        #expect(answer(at: 0) == .init(connectionField: .keepAlive, then: .keepOpen))
    }

    @Test("a fault waits for the answers that are owed before it")
    mutating func faultAfterAnswers() {
        receiveRequest(at: 0)
        receiveRequest(at: 0)
        let answersNow = machine.faulted(.methodUnknown)
        #expect(!answersNow)
        #expect(answer(at: 1).then == .keepOpen)
        #expect(answer(at: 1).then == .answerFault(.methodUnknown))
    }

    @Test("a fault with nothing owed is answered at once, and only the first counts")
    mutating func faultAtOnce() {
        let answersNow = machine.faulted(.methodUnknown)
        #expect(answersNow)
        let answersAgain = machine.faulted(.requestTimeout)
        #expect(!answersAgain)
    }

    @Test("while draining, the last answer owed closes the connection, and none before it")
    mutating func draining() {
        receiveRequest(at: 0)
        receiveRequest(at: 0)
        #expect(answer(at: 1, draining: true) == .init(connectionField: .absent, then: .keepOpen))
        #expect(answer(at: 1, draining: true) == .init(connectionField: .close, then: .closeOutput))
    }

    @Test("a connection that quiesces without a request is closed after a short grace")
    mutating func quiescesIdle() {
        machine.quiesce(at: Self.at(10))
        #expect(machine.deadline == Self.at(10.1))
        #expect(machine.timerFired(at: Self.at(10.2)) == .close)
    }

    @Test("a request that was begun when the server quiesced is still answered, and then closes")
    mutating func quiescesMidRequest() {
        machine.bytesReceived(at: Self.at(9))
        machine.quiesce(at: Self.at(10))
        #expect(machine.timerFired(at: Self.at(11)) == .none)
        _ = machine.headReceived(isKeepAlive: true, isHTTP10: false, contentLength: nil, at: Self.at(12))
        machine.requestReceived(at: Self.at(12))
        #expect(answer(at: 13) == .init(connectionField: .close, then: .closeOutput))
    }

    @Test("a client that closes its side while it waits is asked now and then whether it is there")
    mutating func probes() {
        receiveRequest(at: 0)
        machine.inputClosed(at: Self.at(1))
        #expect(machine.timerFired(at: Self.at(1.2)) == .none)
        #expect(machine.timerFired(at: Self.at(1.25)) == .probe)
        #expect(machine.timerFired(at: Self.at(2)) == .none)
        #expect(machine.timerFired(at: Self.at(2.25)) == .probe)
        #expect(answer(at: 4) == .init(connectionField: .close, then: .closeOutput))
        machine.outputClosed(at: Self.at(4))
        #expect(machine.deadline == Self.at(6))
    }

    @Test("an HTTP/1.0 client knows no interim answers, and is taken for gone")
    mutating func http10Gone() {
        receiveRequest(at: 0, keepAlive: false, http10: true)
        machine.inputClosed(at: Self.at(1))
        #expect(machine.timerFired(at: Self.at(1.2)) == .none)
        #expect(machine.timerFired(at: Self.at(1.25)) == .close)
    }

    private mutating func observe(flushed: Int, pending: Bool = true, at seconds: Double) -> Bool {
        machine.outputObserved(flushed: flushed, isPending: pending, at: Self.at(seconds))
    }

    @Test("a client that takes its answer slowly may take as long as it likes, one that takes nothing may not")
    mutating func slowReader() {
        receiveRequest(at: 0)
        _ = answer(at: 0)
        var isOver = observe(flushed: 100, at: 0)
        #expect(!isOver)
        #expect(machine.deadline == Self.at(0.25))
        for second in stride(from: 20.0, through: 200, by: 20) {
            #expect(machine.timerFired(at: Self.at(second)) == .checkOutput)
            isOver = observe(flushed: 100 + Int(second), at: second)
            #expect(!isOver)
        }
        isOver = observe(flushed: 300, at: 229)
        #expect(!isOver)
        isOver = observe(flushed: 300, at: 230)
        #expect(isOver)
    }

    @Test(
        "no other clock runs while an answer is being taken: not the idle one, not the linger, not the grace of the shutdown"
    )
    mutating func clocksWait() {
        receiveRequest(at: 0, keepAlive: false)
        _ = answer(at: 0)
        _ = observe(flushed: 1, at: 0)
        machine.outputClosed(at: Self.at(0))
        machine.quiesce(at: Self.at(1))
        #expect(machine.timerFired(at: Self.at(10)) == .checkOutput)
        _ = observe(flushed: 2, at: 10)
        #expect(machine.timerFired(at: Self.at(20)) == .checkOutput)
        _ = observe(flushed: 3, pending: false, at: 20)
        #expect(machine.deadline == Self.at(22))
        #expect(machine.timerFired(at: Self.at(22)) == .close)
    }

    @Test("the idle time begins when the answer was taken, not when it was written")
    mutating func idleAfterDownload() {
        receiveRequest(at: 0)
        _ = answer(at: 0)
        _ = observe(flushed: 1, at: 0)
        _ = observe(flushed: 2, pending: false, at: 60)
        #expect(machine.deadline == Self.at(135))
    }
}
