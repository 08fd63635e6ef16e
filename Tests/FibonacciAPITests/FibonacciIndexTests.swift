import Testing

@testable import FibonacciAPI

@Suite("The parameter n")
struct FibonacciIndexTests {
    private func parse(_ query: String, maximum: Int = 10_000_000) throws(Problem) -> Int {
        try FibonacciIndex.parse(QueryParameters(query[...]), maximum: maximum)
    }

    @Test("reads whole numbers up to the limit", arguments: [("0", 0), ("1", 1), ("10", 10), ("10000000", 10_000_000)])
    func reads(text: String, index: Int) throws {
        #expect(try parse("n=\(text)") == index)
    }

    @Test(
        "refuses everything else, naming the parameter and what is wrong",
        arguments: [
            "", "n", "n=", "n=+5", "n=-1", "n=1.5", "n=1e3", "n=0x10", "n=010", "n=00", "n=%D9%A1", "n=1%00", "n=1+1",
            "n=%201",
            "n=1_000", "n=1,000", "n=abc", "n=1&n=1", "N=1", "n=-", "n=%",
        ]
    )
    func refuses(query: String) throws {
        let problem = try #require(throws: Problem.self) { try parse(query) }
        #expect(problem.kind == .invalidParameter)
        #expect(problem.detail.contains("n"))
        #expect(problem.detail.utf8.allSatisfy { $0 >= 0x20 })
        #expect(problem.extensions == [.parameter("n")])
    }

    @Test(
        "judges numbers above the limit by their digits, however many",
        arguments: ["10000001", "99999999", String(repeating: "9", count: 7000)]
    )
    func tooLarge(text: String) throws {
        let problem = try #require(throws: Problem.self) { try parse("n=\(text)") }
        #expect(problem.kind == .indexTooLarge)
        #expect(problem.extensions.contains(.maximumIndex(10_000_000)))
        #expect(problem.detail.utf8.count < 300)
    }

    @Test("compares numbers of the same length digit by digit")
    func boundary() throws {
        for maximum in [0, 1, 9, 10, 99, 100, 12345] {
            #expect(try parse("n=\(maximum)", maximum: maximum) == maximum)
            #expect(throws: Problem.self) { try parse("n=\(maximum + 1)", maximum: maximum) }
        }
    }
}
