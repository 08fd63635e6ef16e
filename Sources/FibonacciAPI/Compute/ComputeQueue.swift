/// The order in which computations wait for a thread: bounded by their total cost, cheap ones first, dear ones not starved.
///
/// Each job gets a due point on a clock that advances by the cost of what is dispatched: the clock at its arrival plus its own cost. The
/// least due point goes next. A cheap job so overtakes dear ones, but a job of cost c waits for at most the cost that was
/// ahead of it plus about c of what came later (weighted fair queueing with one flow per job).
struct ComputeQueue<Job> {
    private struct Entry {
        let identity: UInt64
        let due: Int
        let cost: Int
        let job: Job
    }

    /// The most cost that may wait, unless it is a single job's.
    let maximumCost: Int
    /// The cost that waits now.
    private(set) var cost = 0
    /// Latest due point first, so that the next one is taken from the end.
    private var entries: [Entry] = []
    private var dispatchedCost = 0
    private var nextIdentity: UInt64 = 0

    init(maximumCost: Int) {
        self.maximumCost = maximumCost
    }

    /// How many jobs wait.
    var count: Int { entries.count }

    /// Lets `job` wait; O(number of waiting jobs), which the bound on their cost limits.
    ///
    /// A job that is dearer than the whole queue is taken when the queue is empty: it could never run otherwise.
    ///
    /// - Returns: an identity for ``remove(_:)``, or nil if the queue is full.
    mutating func enqueue(_ job: Job, cost jobCost: Int) -> UInt64? {
        guard entries.isEmpty || jobCost <= maximumCost - cost else { return nil }
        nextIdentity += 1
        let due = dispatchedCost + jobCost
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].due > due { low = middle + 1 } else { high = middle }
        }
        // Before its equals in the array is after them in time.
        entries.insert(Entry(identity: nextIdentity, due: due, cost: jobCost, job: job), at: low)
        cost += jobCost
        return nextIdentity
    }

    /// The job that runs next, which leaves the queue.
    mutating func dequeue() -> Job? {
        guard let entry = entries.popLast() else { return nil }
        cost -= entry.cost
        dispatchedCost += entry.cost
        return entry.job
    }

    /// Takes a job out that nobody waits for; false if it has left already.
    @discardableResult
    mutating func remove(_ identity: UInt64) -> Bool {
        guard let position = entries.firstIndex(where: { $0.identity == identity }) else { return false }
        cost -= entries.remove(at: position).cost
        return true
    }
}
