import Testing

@testable import FibonacciAPI

@Suite("Compute queue")
struct ComputeQueueTests {
    @discardableResult
    private func enqueue<Job>(_ job: Job, cost: Int, in queue: inout ComputeQueue<Job>) throws -> UInt64 {
        let identity = queue.enqueue(job, cost: cost)
        return try #require(identity)
    }

    @Test("gives jobs of equal cost back in the order in which they came")
    func firstInFirstOut() throws {
        var queue = ComputeQueue<Int>(maximumCost: 100)
        for job in 0..<10 { try enqueue(job, cost: 5, in: &queue) }
        #expect((0..<10).compactMap { _ in queue.dequeue() } == Array(0..<10))
        #expect(queue.dequeue() == nil)
    }

    @Test("refuses what would exceed the bound, and takes it once there is room")
    func bounded() throws {
        var queue = ComputeQueue<String>(maximumCost: 10)
        try enqueue("a", cost: 6, in: &queue)
        #expect(queue.enqueue("b", cost: 5) == nil)
        #expect(queue.cost == 6)
        try enqueue("c", cost: 4, in: &queue)
        #expect(queue.dequeue() != nil)
        #expect(queue.enqueue("b", cost: 3) != nil)
    }

    @Test("takes a job that is dearer than the bound when it is empty")
    func giants() throws {
        var queue = ComputeQueue<String>(maximumCost: 10)
        try enqueue("giant", cost: 1000, in: &queue)
        #expect(queue.enqueue("b", cost: 1) == nil)
        #expect(queue.dequeue() == "giant")
        #expect(queue.enqueue("b", cost: 1) != nil)
    }

    @Test("lets a cheap job overtake dear ones")
    func cheapFirst() throws {
        var queue = ComputeQueue<String>(maximumCost: 1000)
        for dear in ["d1", "d2", "d3"] { try enqueue(dear, cost: 100, in: &queue) }
        try enqueue("cheap", cost: 2, in: &queue)
        #expect(queue.dequeue() == "cheap")
        #expect(queue.dequeue() == "d1")
    }

    @Test("does not starve a dear job under an endless stream of cheap ones")
    func noStarvation() throws {
        var queue = ComputeQueue<String>(maximumCost: 1000)
        try enqueue("dear", cost: 100, in: &queue)
        var cheapCost = 0
        while true {
            try enqueue("cheap", cost: 5, in: &queue)
            if queue.dequeue() == "dear" { break }
            cheapCost += 5
            try #require(cheapCost < 1000)
        }
        #expect(cheapCost <= 100)
    }

    @Test("a job that is taken out frees its cost and never comes back")
    func removal() throws {
        var queue = ComputeQueue<String>(maximumCost: 10)
        let identity = try enqueue("a", cost: 6, in: &queue)
        try enqueue("b", cost: 4, in: &queue)
        let isRemoved = queue.remove(identity)
        #expect(isRemoved)
        let isRemovedAgain = queue.remove(identity)
        #expect(!isRemovedAgain)
        #expect(queue.cost == 4)
        #expect(queue.dequeue() == "b")
        #expect(queue.count == 0)
    }
}
