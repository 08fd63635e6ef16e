import Testing

@testable import FibonacciAPI

@Suite("Query parameters")
struct QueryParametersTests {
    private func lookup(_ query: String) -> QueryParameters.Lookup {
        QueryParameters(query[...]).lookup("n")
    }

    @Test(
        "finds a parameter wherever it stands, percent-encoded or not",
        arguments: ["n=10", "a=1&n=10", "n=10&b", "&&n=10&", "%6e=10", "n=%31%30", "%6E=%310"]
    )
    func finds(query: String) {
        #expect(lookup(query) == .single(Array("10".utf8)))
    }

    @Test("is missing when only other names are there", arguments: ["", "N=10", "nn=10", "x=n=10", "=10", "m=1&&"])
    func misses(query: String) {
        #expect(lookup(query) == .missing)
    }

    @Test("a name without a value is there and empty", arguments: ["n", "n=", "a=1&n", "n&a=1"])
    func empty(query: String) {
        #expect(lookup(query) == .single([]))
    }

    @Test("counts repetitions, equal or not, encoded or not")
    func repetitions() {
        #expect(lookup("n=1&n=1") == .repeated(2))
        #expect(lookup("n=1&%6e=2&n") == .repeated(3))
    }

    @Test("a percent sign without two hex digits stands for itself", arguments: ["%", "%4", "%zz", "%4g", "1%"])
    func brokenEscapes(text: String) {
        #expect(PercentDecoding.decode(text.utf8) == Array(text.utf8))
    }

    @Test("a value keeps its equals signs and its plus signs")
    func verbatim() {
        #expect(lookup("n=1=2") == .single(Array("1=2".utf8)))
        #expect(lookup("n=+5") == .single(Array("+5".utf8)))
    }
}

@Suite("Request target")
struct RequestTargetTests {
    @Test(
        "takes path and query apart",
        arguments: [
            ("/", "/", ""), ("/v1/fib", "/v1/fib", ""), ("/v1/fib?n=10", "/v1/fib", "n=10"),
            ("/v1/fib?", "/v1/fib", ""),
            ("/a?b?c", "/a", "b?c"), ("/v1/%66ib?n=%31", "/v1/fib", "n=%31"), ("//v1/fib", "//v1/fib", ""),
            ("http://host/v1/fib?n=1", "/v1/fib", "n=1"), ("HTTPS://host:8000/", "/", ""), ("http://host", "/", ""),
            ("http://host?n=1", "/", "n=1"), ("*", "*", ""),
        ]
    )
    func takesApart(target: String, path: String, query: String) throws {
        let parsed = try #require(RequestTarget(target))
        #expect(parsed.path == path)
        #expect(parsed.query == query[...])
    }

    @Test(
        "refuses what is no target",
        arguments: ["", "v1/fib", "host:80", "ftp://host/", "http://", "http:///x", "/a#b", "?n=1"]
    )
    func refuses(target: String) {
        #expect(RequestTarget(target) == nil)
    }

    @Test("an encoded slash separates nothing, so the path is left as it is", arguments: ["/v1%2Ffib", "/v1%2ffib"])
    func encodedSlash(target: String) {
        #expect(RequestTarget(target)?.path == target)
    }

    @Test("an authority without a host is refused", arguments: ["http://:80/", "https://:443/v1/fib?n=1"])
    func emptyHost(target: String) {
        #expect(RequestTarget(target) == nil)
    }
}
