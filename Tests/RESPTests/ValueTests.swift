import NIOCore
import Testing

@testable import RESP

@Suite("RESP values")
struct ValueTests {
    @Test("a map reads the same in both versions of the protocol")
    func maps() {
        let alternating: [RESPValue] = [Samples.bulk("a"), .integer(1), .simpleString("b"), .null]
        #expect(RESPValue.array(alternating).map == RESPMap(alternating: alternating))
        #expect(RESPValue.map(RESPMap(alternating: alternating)).map?["b"] == .null)
        #expect(RESPMap(alternating: alternating)["c"] == nil)
        #expect(RESPMap(alternating: Array(alternating.prefix(3))).entries.count == 1)
    }

    @Test("integers read the same whether they come as integers or as text")
    func integers() {
        #expect(RESPValue.integer(7).integer == 7)
        #expect(Samples.bulk("7").integer == 7)
        #expect(Samples.bulk("7 ").integer == nil)
        #expect(RESPValue.null.integer == nil)
    }

    @Test("credentials show nothing of themselves")
    func credentials() {
        let handshake = RESPHandshake(credentials: .init(user: "ada", password: "hunter2"))
        var dumped = ""
        dump(handshake, to: &dumped)
        for text in [dumped, "\(handshake)", String(reflecting: handshake)] {
            #expect(!text.contains("hunter2"))
        }
    }
}
