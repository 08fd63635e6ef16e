import Testing

@testable import FibonacciAPI

@Suite("Content negotiation")
struct ContentNegotiationTests {
    @Test(
        "chooses by quality, then by specificity of the range, then JSON",
        arguments: [
            ([], .json), (["*/*"], .json), (["application/json"], .json), (["text/plain"], .text), (["text/*"], .text),
            (["text/plain, application/json"], .json), (["application/json;q=0.5, text/plain"], .text),
            (["text/plain;q=0.5, */*;q=0.1"], .text), (["*/*, application/json;q=0"], .text),
            (["text/*;q=0.9, text/plain;q=0.1, application/json;q=0.5"], .json), (["TEXT/PLAIN"], .text),
            (["text/plain; charset=UTF-8"], .text), (["text/plain;charset=\"utf-8\";q=1.000"], .text),
            (["application/json;q=0.001"], .json), (["text/html, */*;q=0.8"], .json),
            (["text/plain", "application/json;q=0.9"], .text),
            (["text/plain ; q=0.3 , application/json ; q=0.2"], .text), (["application/*"], .json),
            (["text/plain;q=1;ext=1"], .text), (["text/x;p=\"a,b\", text/plain"], .text),
        ] as [([String], Representation)]
    )
    func chooses(accept: [String], expected: Representation) {
        #expect(Representation.negotiate(accept: accept) == expected)
    }

    @Test(
        "finds nothing acceptable when everything is excluded",
        arguments: [
            "text/html", "image/*", "*/*;q=0", "application/json;q=0, text/plain;q=0.0", "application/json;v=2",
            "text/plain;charset=utf-16",
        ]
    )
    func refuses(accept: String) {
        #expect(Representation.negotiate(accept: [accept]) == nil)
    }

    @Test(
        "ignores members that do not parse, and takes a field of nothing else for absent",
        arguments: [
            "", ",", "text", "/", "a/b/c", "text/plain;q=2", "text/plain;q=0.1234", "text/plain;q=x", "*/json",
            "te xt/plain", ";;",
        ]
    )
    func ignoresGarbage(accept: String) {
        #expect(Representation.negotiate(accept: [accept]) == .json)
        #expect(Representation.negotiate(accept: [accept + ", text/plain"]) == .text)
    }
}
