import NIOCore

@testable import RESP

/// Replies as servers send them, with what they mean.
enum Samples {
    static let replies: [(wire: String, value: RESPValue)] = [
        ("+OK\r\n", .simpleString("OK")),
        ("+\r\n", .simpleString("")),
        ("-WRONGTYPE Wrong kind\r\n", .error(.init(prefix: "WRONGTYPE", message: "Wrong kind"))),
        ("-LOADING\r\n", .error(.init(prefix: "LOADING", message: ""))),
        (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)),
        (":+42\r\n", .integer(42)),
        ("$5\r\nhello\r\n", .bulkString(ByteBuffer(string: "hello"))),
        ("$0\r\n\r\n", .bulkString(ByteBuffer())),
        ("$4\r\n\r\n\r\n\r\n", .bulkString(ByteBuffer(string: "\r\n\r\n"))),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("_\r\n", .null),
        ("#t\r\n", .boolean(true)),
        ("#f\r\n", .boolean(false)),
        (",1.5\r\n", .double(1.5)),
        (",-2e3\r\n", .double(-2000)),
        (",inf\r\n", .double(.infinity)),
        ("(-34928903284092385093248509438\r\n", .bigNumber("-34928903284092385093248509438")),
        ("!8\r\nERR a\r\nb\r\n", .error(.init(prefix: "ERR", message: "a\r\nb"))),
        ("=8\r\ntxt:Some\r\n", .verbatimString(format: "txt", ByteBuffer(string: "Some"))),
        ("*0\r\n", .array([])),
        ("*2\r\n:1\r\n*2\r\n+a\r\n$-1\r\n", .array([.integer(1), .array([.simpleString("a"), .null])])),
        ("~2\r\n:1\r\n:2\r\n", .set([.integer(1), .integer(2)])),
        ("%0\r\n", .map(RESPMap(entries: []))),
        (
            "%2\r\n+role\r\n+master\r\n:7\r\n*0\r\n",
            .map(
                RESPMap(entries: [
                    .init(key: .simpleString("role"), value: .simpleString("master")),
                    .init(key: .integer(7), value: .array([])),
                ])
            )
        ),
        (">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n", .push([.simpleString("invalidate"), .array([bulk("k")])])),
        ("|1\r\n+ttl\r\n:9\r\n:5\r\n", .integer(5)),
        ("|0\r\n:5\r\n", .integer(5)),
        ("*2\r\n|1\r\n+popularity\r\n*2\r\n,0.1\r\n,0.2\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ("*1\r\n*1\r\n*1\r\n$2\r\nhi\r\n", .array([.array([.array([bulk("hi")])])])),
    ]

    static func bulk(_ text: String) -> RESPValue { .bulkString(ByteBuffer(string: text)) }

    /// All of them behind one another.
    static var stream: [UInt8] { replies.flatMap { Array($0.wire.utf8) } }
}

extension RESPDecoder {
    /// Everything that is complete.
    mutating func all() throws(RESPDecodingError) -> [RESPValue] {
        var values: [RESPValue] = []
        while let value = try next() { values.append(value) }
        return values
    }
}
