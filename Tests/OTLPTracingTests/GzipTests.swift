import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPCompression
import TestSupport
import Testing

@testable import OTLPTracing

@Suite("Gzip")
struct GzipTests {
    @Test("is read again by another implementation as the same", arguments: [0, 1, 2, 1000, 65_536, 1_000_000])
    func roundTrip(_ count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        for bytes in [
            [UInt8](repeating: 7, count: count), (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) },
        ] {
            let compressed = try #require(Gzip.compress(bytes))
            #expect(compressed.starts(with: [0x1F, 0x8B]))
            let channel = EmbeddedChannel(handler: NIOHTTPRequestDecompressor(limit: .none))
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")
            head.headers = ["Content-Encoding": "gzip", "Content-Length": "\(compressed.count)"]
            try channel.writeInbound(HTTPServerRequestPart.head(head))
            try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(bytes: compressed)))
            try channel.writeInbound(HTTPServerRequestPart.end(nil))
            var decompressed: [UInt8] = []
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                if case .body(let buffer) = part { decompressed += Array(buffer.readableBytesView) }
            }
            #expect(decompressed == bytes)
        }
    }
}
