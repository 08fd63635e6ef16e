import Testing

@testable import OTLPTracing

@Suite("A tracestate")
struct TraceStateTests {
    private static let members = (0..<32).map { "k\($0)=v" }

    @Test(
        "is kept to the letter",
        arguments: [
            "rojo=00f067aa0ba902b7", "rojo=1,congo=t61rcWkgMzE", "a=1 , b=2\t,c=3", ",a=1,,b=2,",
            "a=  spaces inside  x",
            "t@v=1", "0tenant@vendor=1", "a-b_c*d/e=!\"#$%&'()*+-./:;<>?@[]^_`{|}~", members.joined(separator: ","),
            String(repeating: "k", count: 256) + "=v", "k=" + String(repeating: "v", count: 256),
            String(repeating: "t", count: 241) + "@" + String(repeating: "v", count: 14) + "=1",
            "k=" + String(repeating: "v", count: 254) + ",l=" + String(repeating: "v", count: 253),
        ]
    )
    func valid(_ text: String) {
        #expect(TraceState(text)?.description == text)
    }

    @Test(
        "that is malformed or too long is dropped",
        arguments: [
            "", " ", ",", "a", "a=", "=1", "a=1,a=2", "A=1", "aB=1", "1a=1", "a b=1", "a =1", "a=1=2", "a=é", "a=\u{7}",
            "a=1;b=2\n", "@v=1", "t@=1", "t@1v=1", "t@v@w=1", "ä=1", (members + ["more=1"]).joined(separator: ","),
            String(repeating: "k", count: 257) + "=v", "k=" + String(repeating: "v", count: 257),
            String(repeating: "t", count: 242) + "@v=1", "t@" + String(repeating: "v", count: 15) + "=1",
            "k=" + String(repeating: "v", count: 254) + ",l=" + String(repeating: "v", count: 254),
        ]
    )
    func invalid(_ text: String) throws {
        #expect(TraceState(text) == nil)
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(try #require(TraceContext(traceParent: parent, traceState: text)).traceState == nil)
    }
}
