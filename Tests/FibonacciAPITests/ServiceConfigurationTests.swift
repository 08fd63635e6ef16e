import Configuration
import Foundation
import JSONLogging
import Logging
import RateLimiting
import RedisClient
import Testing

@testable import FibonacciAPI

@Suite("Configuration")
struct ServiceConfigurationTests {
    private func configuration(_ environment: [String: String]) throws -> ServiceConfiguration {
        let provider = EnvironmentVariablesProvider(environmentVariables: environment)
        return try ServiceConfiguration(reader: ConfigReader(provider: provider))
    }

    @Test("has the documented defaults")
    func defaults() throws {
        let configuration = try configuration([:])
        #expect(configuration.host == "0.0.0.0")
        #expect(configuration.port == 8000)
        #expect(configuration.adminPort == 9464)
        #expect(configuration.maximumIndex == 10_000_000)
        #expect(configuration.cacheMemoryBytes == 67_108_864)
        #expect(configuration.computeThreads >= 1)
        #expect(configuration.shutdownDrain == .seconds(5))
        #expect(configuration.rateLimit?.policy.budget == 1000)
        #expect(configuration.rateLimit?.policy.window == 60)
        #expect(configuration.trustedProxies.isEmpty)
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == .json)
    }

    @Test("takes what the environment says")
    func environment() throws {
        let configuration = try configuration([
            "HOST": "127.0.0.1", "PORT": "1", "ADMIN_PORT": "2", "FIB_MAX_N": "1000000000", "CACHE_MEMORY_BYTES": "0",
            "COMPUTE_THREADS": "3",
            "SHUTDOWN_DRAIN_SECONDS": "0", "LOG_LEVEL": "debug", "LOG_FORMAT": "text", "HTTP_MAX_CONNECTIONS": "7",
            "HTTP_IDLE_TIMEOUT_SECONDS": "8",
        ])
        #expect(configuration.host == "127.0.0.1")
        #expect(configuration.port == 1)
        #expect(configuration.adminPort == 2)
        #expect(configuration.maximumIndex == 1_000_000_000)
        #expect(configuration.cacheMemoryBytes == 0)
        #expect(configuration.computeThreads == 3)
        #expect(configuration.shutdownDrain == .zero)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.logFormat == .text)
        #expect(configuration.connectionLimits.maximumConnections == 7)
        #expect(configuration.connectionLimits.idleTimeout == .seconds(8))
    }

    @Test("has no Redis unless a URL says where")
    func noRedis() throws {
        #expect(try configuration([:]).redis == nil)
        #expect(try configuration(["REDIS_CLUSTER": "false"]).redis == nil)
    }

    @Test("takes a Redis from its URL and the settings beside it")
    func redis() throws {
        let configuration = try configuration([
            "REDIS_URL": "rediss://me:s%40me@cache.example:7000/3", "REDIS_CA_FILE": "/ca.pem",
            "REDIS_CLIENT_CERTIFICATE_FILE": "/cert.pem", "REDIS_CLIENT_KEY_FILE": "/key.pem",
            "REDIS_TIMEOUT_MILLISECONDS": "40", "REDIS_CONNECT_TIMEOUT_MILLISECONDS": "90", "CACHE_TTL_SECONDS": "7",
            "CACHE_MAX_VALUE_BYTES": "0",
        ])
        let redis = try #require(configuration.redis)
        #expect(redis.endpoint == RedisEndpoint(host: "cache.example", port: 7000))
        #expect(redis.user == "me" && redis.password == RedisSecret("s@me") && redis.database == 3)
        #expect(redis.tls?.authorityFile == "/ca.pem")
        #expect(redis.tls?.certificateFile == "/cert.pem" && redis.tls?.keyFile == "/key.pem")
        #expect(redis.timeouts.command == .milliseconds(40) && redis.timeouts.connect == .milliseconds(90))
        #expect(configuration.cacheSecondsToLive == 7 && configuration.cacheLargestValue == 0)
    }

    @Test("takes the password from a file, without the end of its line")
    func passwordFile() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try "from the file\n".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let configuration = try configuration(["REDIS_URL": "redis://:other@h", "REDIS_PASSWORD_FILE": path])
        #expect(configuration.redis?.password == RedisSecret("from the file"))
    }

    @Test("counts budgets in the cache's Redis unless another is named, and nowhere if nothing is limited")
    func rateLimitRedis() throws {
        #expect(try configuration([:]).rateLimit?.redis == nil)
        #expect(try configuration(["REDIS_URL": "redis://a"]).rateLimit?.redis?.endpoint.host == "a")
        let both = try configuration([
            "REDIS_URL": "redis://a", "RATE_LIMIT_REDIS_URL": "rediss://b", "RATE_LIMIT_REDIS_CLUSTER": "true",
            "REDIS_CA_FILE": "/ca.pem",
        ])
        #expect(both.redis?.endpoint.host == "a" && both.redis?.isCluster == false && both.redis?.tls == nil)
        let limiter = both.rateLimit?.redis
        #expect(limiter?.endpoint.host == "b" && limiter?.isCluster == true)
        #expect(limiter?.tls?.authorityFile == "/ca.pem")
        #expect(try configuration(["RATE_LIMIT_REDIS_URL": "redis://b"]).redis == nil)
        #expect(try configuration(["RATE_LIMIT_BUDGET": "0", "REDIS_URL": "redis://a"]).rateLimit == nil)
    }

    @Test("says what is wrong with the proxies")
    func proxies() throws {
        #expect(try !configuration(["TRUSTED_PROXIES": "10.0.0.0/8, ::1"]).trustedProxies.isEmpty)
        #expect(try configuration(["TRUSTED_PROXIES": ""]).trustedProxies.isEmpty)
        let error = #expect(throws: ConfigurationError.self) { try configuration(["TRUSTED_PROXIES": "10.0.0.1/8"]) }
        #expect(error?.description.contains("10.0.0.0/8") == true)
    }

    @Test(
        "refuses a Redis that cannot be, and never shows a password",
        arguments: [
            (["REDIS_URL": "http://:secret@h"], "REDIS_URL"), (["REDIS_URL": ""], "REDIS_URL"),
            (["REDIS_URL": "redis://:secret@"], "REDIS_URL"), (["REDIS_URL": "redis://:secret@h:0"], "REDIS_URL"),
            (["REDIS_URL": "redis://:secret@h/x"], "REDIS_URL"), (["REDIS_URL": "redis://:sec/ret@h"], "REDIS_URL"),
            (["REDIS_URL": "redis://secret@h"], "REDIS_URL"),
            (["REDIS_URL": "redis://:secret@h/1", "REDIS_CLUSTER": "true"], "REDIS_URL"),
            (["REDIS_URL": "redis://:secret@h", "REDIS_CLUSTER": "yes"], "REDIS_CLUSTER"),
            (["RATE_LIMIT_REDIS_URL": "redis://:secret@"], "RATE_LIMIT_REDIS_URL"),
            (["RATE_LIMIT_REDIS_CLUSTER": "true"], "RATE_LIMIT_REDIS_CLUSTER"),
            (["REDIS_CLUSTER": "true"], "REDIS_CLUSTER"), (["REDIS_PASSWORD_FILE": "/f"], "REDIS_PASSWORD_FILE"),
            (["REDIS_URL": "redis://h", "REDIS_PASSWORD_FILE": "/no/such/file"], "REDIS_PASSWORD_FILE"),
            (["REDIS_URL": "redis://h", "REDIS_PASSWORD_FILE": ""], "REDIS_PASSWORD_FILE"),
            (["REDIS_URL": "redis://:secret@h", "REDIS_CA_FILE": "/ca"], "REDIS_CA_FILE"),
            (
                ["REDIS_URL": "rediss://h", "REDIS_CLIENT_KEY_FILE": "/k"],
                "REDIS_CA_FILE, REDIS_CLIENT_CERTIFICATE_FILE, REDIS_CLIENT_KEY_FILE"
            ),
            (["REDIS_URL": "redis://h", "REDIS_TIMEOUT_MILLISECONDS": "0"], "REDIS_TIMEOUT_MILLISECONDS"),
            (["CACHE_TTL_SECONDS": "0"], "CACHE_TTL_SECONDS"),
            (["CACHE_MAX_VALUE_BYTES": "-1"], "CACHE_MAX_VALUE_BYTES"),
        ] as [([String: String], String)]
    )
    func impossibleRedis(environment: [String: String], variable: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(environment) }
        #expect(error?.variable == variable)
        let text = error.map { "\($0)" } ?? ""
        #expect(!text.contains("secret") && !text.contains("sec/ret"), "\(text)")
        #expect(!text.contains("\n") && text.hasPrefix(variable))
    }

    @Test(
        "refuses a malformed value in one line that names the variable, what it held and what it may hold",
        arguments: [
            ("PORT", "abc"), ("PORT", ""), ("PORT", "65536"), ("PORT", "-1"), ("PORT", "+80"), ("PORT", " 80"),
            ("PORT", "8e3"), ("PORT", "0x50"),
            ("HOST", ""), ("HOST", "a b"), ("ADMIN_PORT", "8000"), ("FIB_MAX_N", "1000000001"),
            ("CACHE_MEMORY_BYTES", "64MB"),
            ("COMPUTE_THREADS", "0"), ("LOG_LEVEL", "INFO"), ("LOG_FORMAT", "xml"), ("SHUTDOWN_TIMEOUT_SECONDS", "0"),
            ("HTTP_MAX_CONNECTIONS", "99999999999999999999"), ("LOG_LEVEL", "a\nb\u{1B}[31m"),
            ("LOG_LEVEL", "\u{7F}é"), ("TRUSTED_PROXIES", "10.0.0.1\n/8\u{7F}é"),
        ]
    )
    func malformed(variable: String, value: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try configuration([variable: value]) }
        #expect(error.variable == variable)
        #expect(error.value == value)
        #expect(error.description.hasPrefix("\(variable) is '"))
        #expect(error.description.contains("expected "))
        #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F })
    }

    @Test("every setting is in the README's table as the code has it")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let rows = readme.split(separator: "\n").map(String.init)
        for setting in ServiceConfiguration.settings {
            // The rows are no part of the expectation: a failure would print them all.
            let isThere = rows.contains(setting.markdownRow)
            #expect(isThere, "README.md lacks: \(setting.markdownRow)")
        }
        let documented = rows.filter { $0.wholeMatch(of: /\| `[A-Z_]+` \| `[^`\/]+` \| .*/) != nil }
        #expect(documented.count == ServiceConfiguration.settings.count)
    }
}

@Suite("Readiness")
struct ServiceStateTests {
    @Test("comes with the last milestone and is told once")
    func ready() {
        let state = ServiceState()
        #expect(state.phase == .starting)
        #expect(!state.reached(.warmUp))
        #expect(!state.reached(.publicListener))
        #expect(!state.reached(.publicListener))
        #expect(!state.reached(.adminListener))
        #expect(state.reached(.rateLimiter))
        #expect(!state.reached(.rateLimiter))
        #expect(state.phase == .ready)
    }

    @Test("never comes back once draining has begun")
    func draining() {
        let state = ServiceState()
        state.beginDraining()
        for milestone in ServiceState.Milestone.allCases { #expect(!state.reached(milestone)) }
        #expect(state.phase == .draining)
        #expect(state.isDraining)
    }
}

@Suite("Connection shares")
struct ConnectionSharesTests {
    @Test(
        "leave descriptors for the admin port and for what is no connection",
        arguments: [64, 256, 1024, 4096, 65536, Int.max]
    )
    func fits(limit: Int) {
        let shares = ConnectionShares(wanted: 8192, limit: limit)
        #expect(shares.publicCap >= 1 && shares.publicCap <= 8192)
        #expect(shares.adminCap >= 4 && shares.adminCap <= 256)
        #expect(shares.publicCap <= limit - shares.adminCap - ConnectionShares.reserve)
    }

    @Test("grant what is wanted where there is room, and where nobody knows the limit")
    func grants() {
        #expect(ConnectionShares(wanted: 8192, limit: 65536).publicCap == 8192)
        #expect(ConnectionShares(wanted: 8192, limit: nil).publicCap == 8192)
    }
}
