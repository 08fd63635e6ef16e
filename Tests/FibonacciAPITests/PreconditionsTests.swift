import HTTPTypes
import Testing

@testable import FibonacciAPI

@Suite("Entity tags and preconditions")
struct PreconditionsTests {
    private let current = EntityTag(opaque: "fib-v1-json-10")

    private func outcome(_ fields: (HTTPField.Name, String)...) -> Preconditions.Outcome {
        var all = HTTPFields()
        for (name, value) in fields { all.append(HTTPField(name: name, value: value)) }
        return Preconditions.evaluate(all, current: current)
    }

    @Test("without preconditions the answer proceeds")
    func none() {
        #expect(outcome() == .proceed)
    }

    @Test(
        "If-None-Match that names the tag, weak or strong, alone or in a list, means not modified",
        arguments: [
            "\"fib-v1-json-10\"", "W/\"fib-v1-json-10\"", "*", " * ", "\"a\", \"fib-v1-json-10\"",
            "\"a\",W/\"fib-v1-json-10\" ,\"b\"",
            "fib-v1-json-10", "\"a,b\", \"fib-v1-json-10\"", "garbage\"\", \"fib-v1-json-10\"",
            ",,, \"fib-v1-json-10\",",
        ]
    )
    func notModified(value: String) {
        #expect(outcome((.ifNoneMatch, value)) == .notModified)
    }

    @Test(
        "If-None-Match that does not name it proceeds",
        arguments: [
            "\"fib-v1-text-10\"", "\"fib-v1-json-1\"", "", "\"", "\"unterminated", "w/\"fib-v1-json-10\"", "\"*\"",
            "\"a\", *",
            "\"FIB-V1-JSON-10\"", "\"fib-v1-json-10\"x", "W/fib-v1-json-10",
        ]
    )
    func proceeds(value: String) {
        #expect(outcome((.ifNoneMatch, value)) == .proceed)
    }

    @Test("lines of one field are one list")
    func severalLines() {
        #expect(outcome((.ifNoneMatch, "\"a\""), (.ifNoneMatch, "\"fib-v1-json-10\"")) == .notModified)
    }

    @Test("If-Match compares strongly", arguments: ["W/\"fib-v1-json-10\"", "\"other\"", "", "\"a\", \"b\""])
    func ifMatchFails(value: String) {
        #expect(outcome((.ifMatch, value)) == .failed)
    }

    @Test(
        "If-Match that names the tag proceeds",
        arguments: ["\"fib-v1-json-10\"", "*", "\"a\", \"fib-v1-json-10\"", "fib-v1-json-10"]
    )
    func ifMatchHolds(value: String) {
        #expect(outcome((.ifMatch, value)) == .proceed)
    }

    @Test("If-Match is judged before If-None-Match")
    func order() {
        #expect(outcome((.ifMatch, "\"x\""), (.ifNoneMatch, "*")) == .failed)
        #expect(outcome((.ifMatch, "*"), (.ifNoneMatch, "*")) == .notModified)
    }

    @Test("dates are ignored: there is no modification date")
    func dates() {
        #expect(outcome((.ifModifiedSince, "Sun, 06 Nov 2094 08:49:37 GMT")) == .proceed)
        #expect(outcome((.ifUnmodifiedSince, "Sun, 06 Nov 1994 08:49:37 GMT")) == .proceed)
    }
}
