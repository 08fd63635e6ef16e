import RawStructuredFieldValues
import Testing

@testable import FibonacciAPI

@Suite("Cache-Status")
struct CacheStatusTests {
    @Test(
        "is a list of one token with the parameters of RFC 9211",
        arguments: [
            (.hit, ["hit", "detail"]), (.redisHit, ["hit", "detail"]), (.validated, ["hit", "detail"]),
            (.computed(stored: true), ["fwd", "stored", "detail"]),
            (.computed(stored: false), ["fwd", "detail"]), (.collapsed, ["fwd", "collapsed", "detail"]),
            (.notComputed, ["fwd", "detail"]),
        ] as [(CacheStatus, [String])]
    )
    func parses(status: CacheStatus, parameters: [String]) throws {
        var parser = StructuredFieldValueParser(Array(status.fieldValue.utf8))
        let list = try parser.parseListFieldValue()
        #expect(list.count == 1)
        guard case .item(let item) = list.first else {
            Issue.record("not an item: \(status.fieldValue)")
            return
        }
        #expect(item.rfc9651BareItem == .token("fibonacci-api"))
        #expect(item.rfc9651Parameters.map(\.0) == parameters)
    }
}
