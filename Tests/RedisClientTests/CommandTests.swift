import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite("Commands and errors")
struct CommandTests {
    @Test("a command shows its name and its size, and nothing else of itself")
    func redaction() {
        #expect("\(RedisCommand.set("user:ada", "secret"))" == "SET (2 arguments, 14 bytes)")
    }

    @Test("keys are known for routing")
    func keys() {
        #expect(RedisCommand.get("a").keys == ["a"])
        #expect(RedisCommand.delete("a", "b").keys == ["a", "b"])
        #expect(RedisCommand.set("a", "v", expiringAfter: 1, .ifAbsent).keys == ["a"])
        #expect(RedisScript("x").evaluation(keys: ["a", "b"], arguments: [1]).keys == ["a", "b"])
        #expect(RedisCommand.ping.keys.isEmpty)
        #expect(RedisCommand("X", ["a"], keys: 0..<9).keys == ["a"])
    }

    @Test(
        "SHA-1 gives the digests of FIPS 180-4",
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (String(repeating: "a", count: 1_000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
        ]
    )
    func digests(message: String, digest: String) {
        #expect(SHA1.hexadecimalDigest(of: message.utf8) == digest)
    }

    @Test(
        "error replies are told apart by their first word",
        arguments: [
            ("READONLY You can't write against a read only replica.", RedisReplyCode.readOnly),
            ("LOADING Redis is loading the dataset in memory", .loading),
            ("MASTERDOWN Link with MASTER is down", .masterDown),
            ("OOM command not allowed when used memory > 'maxmemory'.", .outOfMemory),
            ("CLUSTERDOWN The cluster is down", .clusterDown),
            ("NOSCRIPT No matching script.", .noScript),
            ("WRONGTYPE Operation against a key", .wrongType),
            ("NOAUTH Authentication required.", .authenticationRequired),
            ("WRONGPASS invalid username-password pair", .wrongPassword),
            ("NOPERM this user has no permissions", .noPermission),
            ("MOVED 3999 127.0.0.1:6381", .moved(slot: 3999, location: "127.0.0.1:6381")),
            ("ASK 3999 ::1:6381", .ask(slot: 3999, location: "::1:6381")),
            ("TRYAGAIN Multiple keys request during rehashing of slot", .tryAgain),
            ("CROSSSLOT Keys in request don't hash to the same slot", .crossSlot),
            ("BUSY Redis is busy running a script.", .busy),
            ("ERR syntax error", .other("ERR")),
            ("MOVED", .other("MOVED")),
            ("MOVED 16384 h:1", .other("MOVED")),
            ("MOVED -1 h:1", .other("MOVED")),
            ("ASK x h:1", .other("ASK")),
        ]
    )
    func codes(text: String, code: RedisReplyCode) {
        #expect(RedisReplyCode(RESPError(text: text)) == code)
    }

    @Test("redirections name a host, an address, or the one that answered")
    func redirections() {
        func endpoint(_ text: String) -> RedisEndpoint? {
            RedisEndpoint(redirection: text, fallbackHost: "seed")
        }
        #expect(endpoint("10.0.0.1:7000") == RedisEndpoint(host: "10.0.0.1", port: 7000))
        #expect(endpoint("::1:7000") == RedisEndpoint(host: "::1", port: 7000))
        #expect(endpoint(":7000") == RedisEndpoint(host: "seed", port: 7000))
        #expect(endpoint("?:7000") == RedisEndpoint(host: "seed", port: 7000))
        for text in ["", ":", "h", "h:", "h:0", "h:65536", "h:x"] { #expect(endpoint(text) == nil) }
    }

    @Test("an error says what, where and why")
    func errorDescription() {
        let error = RedisError(
            .timeout,
            "no reply in time",
            endpoint: RedisEndpoint(host: "::1"),
            command: "GET"
        )
        #expect("\(error)" == "GET at [::1]:6379: no reply in time")
    }

    @Test("a secret is cut out wherever a server repeats it")
    func secretRemoval() {
        #expect(RedisSecret("pw").removed(from: "bad pw, pw!") == "bad <secret>, <secret>!")
        #expect(RedisSecret("").removed(from: "text") == "text")
    }
}

@Suite("Hash slots")
struct HashSlotTests {
    @Test("the checksum of the specification's example is right")
    func checksum() {
        #expect(HashSlot.crc16("123456789".utf8) == 0x31C3)
    }

    @Test(
        "keys are in the slots that servers say",
        arguments: [("foo", 12182), ("bar", 5061), ("hello", 866), ("", 0), ("123456789", 12739)]
    )
    func slots(key: String, slot: Int) {
        #expect(HashSlot.slot(of: key.utf8) == slot)
        #expect(HashSlot.slot(of: RESPArgument(key)) == slot)
    }

    @Test("only what stands in the first pair of braces counts, unless it is empty or open")
    func hashTags() {
        func slot(_ key: String) -> Int { HashSlot.slot(of: key.utf8) }
        #expect(slot("{user1000}.following") == slot("user1000"))
        #expect(slot("a{user1000}b{c}") == slot("user1000"))
        #expect(slot("foo{{bar}}zap") == slot("{bar"))
        #expect(slot("foo{}{bar}") == Int(HashSlot.crc16("foo{}{bar}".utf8) % 16384))
        #expect(slot("foo{bar") == Int(HashSlot.crc16("foo{bar".utf8) % 16384))
        #expect(slot("foo}bar{x}") == slot("x"))
    }
}
