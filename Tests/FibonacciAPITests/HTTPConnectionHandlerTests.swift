import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import FibonacciAPI

/// Bytes in, bytes out, over an embedded channel: the same handlers as a server's, without a socket.
@Suite("HTTP connection")
struct HTTPConnectionHandlerTests {
    private struct Connection {
        let channel = EmbeddedChannel()

        init(limits: ConnectionLimits = ConnectionLimits(), draining: Bool = false) throws {
            let handler = HTTPConnectionHandler(
                limits: limits,
                peer: Peer(address: "192.0.2.1"),
                answerFault: { fault, _, _ in
                    let document = ByteBuffer(string: "\(Problem(fault).kind.rawValue)")
                    return OutgoingResponse(
                        status: Problem(fault).kind.status,
                        fields: [.contentLength: "\(document.readableBytes)"],
                        body: document
                    )
                },
                isDraining: { draining }
            )
            try channel.pipeline.syncOperations.addHandler(ConnectionBytesHandler(connection: handler))
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.maximumTargetLength + limits.maximumHeaderSectionSize
            decoderLimits.maxHeaderListSize = decoderLimits.maxHeaderFieldSize
            decoderLimits.maxHeaderFieldCount = limits.maximumFieldCount
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoderLimits
            )
            try channel.pipeline.syncOperations.addHandler(handler)
            channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 80), promise: nil)
        }

        func receive(_ text: String) throws {
            try channel.writeInbound(ByteBuffer(string: text))
        }

        func nextRequest() throws -> IncomingRequest? {
            try channel.readInbound(as: IncomingRequest.self)
        }

        func answer(_ body: String) throws {
            let body = ByteBuffer(string: body)
            try channel.writeOutbound(
                OutgoingResponse(status: .ok, fields: [.contentLength: "\(body.readableBytes)"], body: body)
            )
        }

        func sent() throws -> String {
            var text = ""
            while var bytes = try channel.readOutbound(as: ByteBuffer.self) {
                text += bytes.readString(length: bytes.readableBytes) ?? ""
            }
            return text
        }
    }

    private static let get = "GET /v1/fib?n=10 HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test("reads a request and writes its answer")
    func roundTrip() throws {
        let connection = try Connection()
        try connection.receive(Self.get)
        let request = try #require(try connection.nextRequest())
        #expect(request.method == .get)
        #expect(request.target == RequestTarget("/v1/fib?n=10"))
        try connection.answer("55")
        #expect(try connection.sent() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n55")
    }

    @Test("reads a request however it is cut")
    func everySplit() throws {
        let bytes = Array(Self.get.utf8)
        for split in 1..<bytes.count {
            let connection = try Connection()
            try connection.channel.writeInbound(ByteBuffer(bytes: bytes[..<split]))
            #expect(try connection.nextRequest() == nil)
            try connection.channel.writeInbound(ByteBuffer(bytes: bytes[split...]))
            #expect(try connection.nextRequest()?.target == RequestTarget("/v1/fib?n=10"))
        }
    }

    @Test("reads pipelined requests in order, and throws bodies away")
    func pipelining() throws {
        let connection = try Connection()
        try connection.receive(
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        for target in ["/1", "/2", "/3", "/4"] {
            #expect(try connection.nextRequest()?.target == RequestTarget(target))
        }
    }

    @Test(
        "answers what it cannot read, and closes",
        arguments: [
            ("\u{16}\u{3}\u{1}\u{2}\u{0}", 400), ("GARBAGE\r\n\r\n", 400),
            ("FOO /v1/fib HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501), ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1\nHost: a\n\n", 400),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", 413),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 17000))\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 100_000))", 431),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 101) + "\r\n", 431),
            ("GET /\(String(repeating: "x", count: 8192)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET /\(String(repeating: "x", count: 100_000))", 414),
            ("GET /\(String(repeating: "x", count: 30_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://:80/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ]
    )
    func faults(bytes: String, status: Int) throws {
        let connection = try Connection()
        try? connection.receive(bytes)
        let answer = try connection.sent()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(60))")
        #expect(answer.contains("Connection: close\r\n"))
        #expect(try connection.nextRequest() == nil)
        // What comes after is thrown away without another answer.
        try? connection.receive(Self.get)
        #expect(try connection.sent() == "")
    }

    @Test("lets through what is just within the limits")
    func withinLimits() throws {
        let connection = try Connection()
        let target = "/" + String(repeating: "x", count: 8191)
        let value = String(repeating: "y", count: 16384 - "HostaX".utf8.count)
        try connection.receive("GET \(target) HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n")
        #expect(try connection.nextRequest()?.target == RequestTarget(target))
    }

    @Test("a fault behind good requests comes after their answers")
    func faultAfterAnswers() throws {
        let connection = try Connection()
        try? connection.receive(Self.get + "FOO / HTTP/1.1\r\n\r\n")
        #expect(try connection.sent() == "")
        try connection.answer("55")
        let sent = try connection.sent()
        #expect(sent.hasPrefix("HTTP/1.1 200 OK"))
        #expect(sent.contains("HTTP/1.1 501 "))
    }

    @Test("a fault between requests of one chunk is told for what it is")
    func faultInTheMiddle() throws {
        let connection = try Connection()
        try? connection.receive(Self.get + "\u{0}garbage\r\n\r\n" + Self.get)
        try connection.answer("55")
        #expect(try connection.sent().contains("HTTP/1.1 400 "))
    }

    @Test("a request that expects it is told to continue")
    func expectContinue() throws {
        let connection = try Connection()
        try connection.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        try connection.receive("x")
        #expect(try connection.nextRequest()?.target == RequestTarget("/"))
    }

    @Test("the interim response waits for the answers that are owed before it")
    func expectContinueInPipeline() throws {
        let connection = try Connection()
        try connection.receive(
            Self.get + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
        )
        #expect(try connection.sent() == "")
        try connection.answer("55")
        #expect(try connection.sent().hasSuffix("\r\n\r\n55HTTP/1.1 100 Continue\r\n\r\n"))
    }

    @Test("there is no interim response to a request without a body")
    func expectContinueWithoutBody() throws {
        let connection = try Connection()
        try connection.receive("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.sent() == "")
        #expect(try connection.nextRequest() != nil)
    }

    @Test("an upgrade is not offered: the connection ends with the answer, but only if an upgrade was asked for")
    func upgrade() throws {
        let asking = try Connection()
        try asking.receive("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        try asking.answer("55")
        #expect(try asking.sent().contains("Connection: close"))

        let mentioning = try Connection()
        try mentioning.receive("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n" + Self.get)
        try mentioning.answer("55")
        #expect(try !mentioning.sent().contains("Connection: close"))
    }

    @Test("an answer during a drain announces the end of the connection")
    func draining() throws {
        let connection = try Connection(draining: true)
        try connection.receive(Self.get)
        try connection.answer("55")
        #expect(try connection.sent().contains("\r\nConnection: close\r\n"))
    }

    @Test(
        "Connection: close is honoured in a list and in any letter case",
        arguments: ["close", "Close", "keep-alive, CLOSE"]
    )
    func closeOption(value: String) throws {
        let connection = try Connection()
        try connection.receive("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n")
        try connection.answer("55")
        #expect(try connection.sent().contains("\r\nConnection: close\r\n"))
    }
}
