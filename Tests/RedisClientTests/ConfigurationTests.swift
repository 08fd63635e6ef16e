import RedisClient
import TestSupport
import Testing

@Suite("Redis URL")
struct RedisURLTests {
    private static let password = "s3cr3t"

    @Test("each part may be left out")
    func parts() throws {
        let plain = try RedisConfiguration(url: "redis://cache")
        #expect(plain.endpoint == RedisEndpoint(host: "cache", port: 6379))
        #expect(plain.user == nil && plain.password == nil && plain.database == 0 && plain.tls == nil)

        let full = try RedisConfiguration(url: "rediss://ada:pw@cache.example.com:7000/12")
        #expect(full.endpoint == RedisEndpoint(host: "cache.example.com", port: 7000))
        #expect(full.user == "ada")
        #expect(full.password == RedisSecret("pw"))
        #expect(full.database == 12)
        #expect(full.tls == RedisTLS())

        let noUser = try RedisConfiguration(url: "REDIS://:pw@cache/")
        #expect(noUser.user == nil)
        #expect(noUser.password == RedisSecret("pw"))
        #expect(try RedisConfiguration(url: "redis://ada@cache").user == "ada")
    }

    @Test("reserved characters are percent-encoded, and a colon in a password need not be")
    func encoding() throws {
        let configuration = try RedisConfiguration(url: "redis://a%40b:p%3A%2F%40%25%20:x%C3%A9@h")
        #expect(configuration.user == "a@b")
        #expect(configuration.password?.revealed == "p:/@% :xé")
    }

    @Test("IPv6 addresses stand in brackets, and are shown so")
    func version6() throws {
        let endpoint = try RedisConfiguration(url: "redis://u:p@[2001:db8::1]:6380/1").endpoint
        #expect(endpoint == RedisEndpoint(host: "2001:db8::1", port: 6380))
        #expect("\(endpoint)" == "[2001:db8::1]:6380")
        #expect(try RedisConfiguration(url: "redis://[::1]").endpoint == RedisEndpoint(host: "::1"))
    }

    @Test(
        "what is wrong is said without the password",
        arguments: [
            ("", "expected redis://"),
            ("cache:6379", "expected redis://"),
            ("http://:s3cr3t@h", "scheme"),
            ("unix:///s3cr3t", "scheme"),
            ("redis://", "no host"),
            ("redis://:s3cr3t@", "no host"),
            ("redis://:s3cr3t@:6379", "no host"),
            ("redis://:s3cr3t@h:0", "the port"),
            ("redis://:s3cr3t@h:65536", "the port"),
            ("redis://:s3cr3t@h:", "the port"),
            ("redis://:s3cr3t@h:+1", "the port"),
            ("redis://u:s3cr3t/x@h", "the port"),
            ("redis://:s3cr3t@@h", "more than one @"),
            ("redis://:s3cr3t%zz@h", "a %"),
            ("redis://:s3cr3t%f@h", "a %"),
            ("redis://:s3cr3t%ff@h", "a %"),
            ("redis://:s3cr3t?x@h", "%3F"),
            ("redis://:s3cr3t#x@h", "%23"),
            ("redis://:s3cr3t@h/x", "the path"),
            ("redis://:s3cr3t@h/-1", "the path"),
            ("redis://:s3cr3t@h/1/2", "the path"),
            ("redis://:s3cr3t@::1", "brackets"),
            ("redis://:s3cr3t@[::1", "no ]"),
            ("redis://:s3cr3t@[h]", "no IPv6"),
            ("redis://:s3cr3t@h h", "character"),
        ]
    )
    func errors(url: String, reason: String) {
        do throws(RedisConfigurationError) {
            _ = try RedisConfiguration(url: url)
            Issue.record("no error")
        } catch {
            if reason != "brackets" { #expect(error.description.contains(reason), "\(error)") }
            #expect(error.setting == .url)
            #expect(!error.description.contains(Self.password))
        }
    }

    @Test("no description or dump of a configuration shows the password")
    func secrecy() throws {
        let configuration = try RedisConfiguration(url: "rediss://ada:\(Self.password)@h")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains(Self.password))
        }
    }
}

@Suite("Redis configuration")
struct RedisConfigurationTests {
    private func problem(_ change: (inout RedisConfiguration) throws -> Void) rethrows -> RedisConfigurationError? {
        var configuration = RedisConfiguration(endpoint: RedisEndpoint(host: "h"))
        try change(&configuration)
        do throws(RedisConfigurationError) {
            try configuration.validate()
            return nil
        } catch {
            return error
        }
    }

    @Test("the defaults are valid")
    func defaults() {
        #expect(problem { _ in } == nil)
    }

    @Test("what does not go together is refused")
    func combinations() {
        #expect(problem { $0.user = "ada" }?.setting == .url)
        #expect(problem { ($0.isCluster, $0.database) = (true, 1) }?.setting == .url)
        #expect(problem { $0.tls = RedisTLS(certificateFile: "c") }?.setting == .tls)
        #expect(problem { $0.tls = RedisTLS(keyFile: "k") }?.setting == .tls)
    }

    @Test("numbers and names outside their range are refused")
    func ranges() {
        #expect(problem { $0.connectionCount = 0 }?.description.contains("expected 1 to 64") == true)
        #expect(problem { $0.limits.inFlightCommands = 0 } != nil)
        #expect(problem { $0.limits.inFlightBytes = 10 } != nil)
        #expect(problem { $0.timeouts.command = .zero } != nil)
        #expect(problem { $0.timeouts.connect = .seconds(100_000) } != nil)
        #expect(problem { $0.clientName = "two words" } != nil)
    }

    @Test("the password of a file wins, without the end of its line", arguments: ["pw2", "pw2\n", "pw2\r\n"])
    func passwordFile(content: String) throws {
        let directory = try TemporaryDirectory()
        var configuration = try RedisConfiguration(url: "redis://ada:pw@h")
        try configuration.readPassword(fromFile: directory.write(content, to: "password"))
        #expect(configuration.password == RedisSecret("pw2"))
        #expect(configuration.user == "ada")
    }

    @Test("a password file that is missing, empty or huge is refused by name")
    func badPasswordFile() throws {
        let directory = try TemporaryDirectory()
        var configuration = RedisConfiguration(endpoint: RedisEndpoint(host: "h"))
        let huge = String(repeating: "x", count: 70_000)
        for (path, reason) in [
            ("\(directory.path)/none", "No such file"),
            (try directory.write("\n", to: "empty"), "it is empty"),
            (try directory.write(huge, to: "huge"), "larger than 64 KiB"),
            (directory.path, "directory"),
        ] {
            do throws(RedisConfigurationError) {
                try configuration.readPassword(fromFile: path)
                Issue.record("no error for \(path)")
            } catch {
                #expect(error.setting == .passwordFile)
                #expect(error.description.contains(path))
                #expect(error.description.contains(reason), "\(error)")
            }
        }
    }
}
