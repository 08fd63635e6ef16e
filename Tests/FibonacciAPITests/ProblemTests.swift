import Foundation
import HTTPTypes
import Testing

@testable import FibonacciAPI

@Suite("Problems")
struct ProblemTests {
    private func decode(_ bytes: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test("have the members of RFC 9457", arguments: Problem.Kind.allCases)
    func members(kind: Problem.Kind) throws {
        let problem = Problem(kind: kind, detail: "what and why")
        let members = try decode(problem.document(instance: "/v1/fib", requestID: "id-1"))
        #expect(members["type"] as? String == "/docs#\(kind.rawValue)")
        #expect(members["title"] as? String == kind.title)
        #expect(members["status"] as? Int == kind.status.code)
        #expect(members["detail"] as? String == "what and why")
        #expect(members["instance"] as? String == "/v1/fib")
        #expect(members["request_id"] as? String == "id-1")
        #expect(kind.status.code >= 400)
    }

    @Test("are valid JSON whatever a caller put into them")
    func escapes() throws {
        let hostile = "\"\\\n\r\t\u{0}\u{1F}\u{7F}\u{2028}é"
        let document = Problem(kind: .notFound, detail: hostile).document(instance: hostile, requestID: hostile)
        let members = try decode(document)
        #expect(members["detail"] as? String == hostile)
        #expect(members["request_id"] as? String == hostile)
        #expect((members["instance"] as? String)?.utf8.allSatisfy { (0x21...0x7E).contains($0) } == true)
        #expect(document.allSatisfy { $0 >= 0x20 })
    }

    @Test("every kind has a section in the reference")
    func documented() {
        let page = String(decoding: PackageResources.docs_html, as: UTF8.self)
        for kind in Problem.Kind.allCases {
            #expect(page.contains("id=\"\(kind.rawValue)\""), "\(kind.rawValue)")
        }
    }
}

@Suite("Small parts of HTTP")
struct FieldValueTests {
    @Test(
        "dates are IMF-fixdate",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ]
    )
    func dates(seconds: Int, text: String) {
        #expect(HTTPDateCache.format(secondsSinceEpoch: seconds) == text)
    }

    @Test(
        "a sane identifier of the caller is taken over",
        arguments: ["a", "req-1", String(repeating: "x", count: 128), "!~"]
    )
    func takesOver(value: String) {
        #expect(RequestIdentifier.identifier(for: [.xRequestID: value]) == value)
    }

    @Test("any other is replaced", arguments: ["", " ", "a b", String(repeating: "x", count: 129), "é", "tab\there"])
    func replaces(value: String) {
        let made = RequestIdentifier.identifier(for: [.xRequestID: value])
        #expect(made != value)
        #expect(made.count == 32)
        #expect(RequestIdentifier.isSane(made))
    }

    @Test("identifiers differ")
    func unique() {
        #expect(Set((0..<1000).map { _ in RequestIdentifier.make() }).count == 1000)
    }
}
