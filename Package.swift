// swift-tools-version: 6.3
import PackageDescription

// The transform's inner loops, one folder compiled once for each instruction set and always optimized: at run time the
// best one is chosen that the processor has. Whoever compiles on x86-64 for another architecture sets
// TRANSFORM_KERNELS=portable: a manifest knows only the machine that it is read on.
var instructionSets: [(name: String, flags: [String])] = [("Portable", [])]
#if arch(x86_64)
    if Context.environment["TRANSFORM_KERNELS"] != "portable" {
        instructionSets += [
            ("AVX2", ["-DTRANSFORM_AVX2", "-Xcc", "-march=x86-64-v3"]),
            ("AVX512", ["-DTRANSFORM_AVX512", "-Xcc", "-march=x86-64-v4"]),
        ]
    }
#endif
let transformKernels = instructionSets.map { name, flags in
    Target.target(
        name: "TransformKernel\(name)",
        path: "Sources/TransformKernels/\(name)",
        swiftSettings: [.unsafeFlags(["-O"] + flags)]
    )
}

// Dependencies are pinned exactly: Package.resolved is not committed.
let package = Package(
    name: "fibonacci-api",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fibonacci-api", targets: ["fibonacci-api"]),
        // For the benchmarks.
        .library(name: "Fibonacci", targets: ["DecimalArithmetic", "Fibonacci"]),
        // For the fuzzers.
        .library(
            name: "FuzzedParts",
            targets: ["FibonacciAPI", "OTLPTracing", "RESP", "RateLimiting", "RedisClient"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", exact: "1.7.3"),
        .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-http-structured-headers.git", exact: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        // Its traits are about files and field masks, with all of Foundation.
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0", traits: []),
        // `FullFoundation` stays off: it would link all of Foundation.
        .package(
            url: "https://github.com/hummingbird-project/hummingbird.git",
            exact: "2.28.1",
            traits: ["ConfigurationSupport"]
        ),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "fibonacci-api",
            dependencies: [
                "DecimalArithmetic",
                "Fibonacci",
                "FibonacciAPI",
                "JSONLogging",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
            ]
        ),
        .target(
            name: "FibonacciAPI",
            dependencies: [
                "Caching",
                "DecimalArithmetic",
                "Fibonacci",
                "JSONLogging",
                "OTLPTracing",
                "PrometheusMetrics",
                "RateLimiting",
                "RedisClient",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            resources: [
                .embedInCode("Resources/docs.html"),
                .embedInCode("Resources/index.html"),
                .embedInCode("Resources/openapi.json"),
            ]
        ),
        .target(
            name: "Caching",
            dependencies: ["RESP", "RedisClient", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .target(
            name: "RateLimiting",
            dependencies: [
                "RESP",
                "RedisClient",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .target(name: "Fibonacci", dependencies: ["DecimalArithmetic"]),
        .target(
            name: "DecimalArithmetic",
            dependencies: ["CProcessorState"] + transformKernels.map { .byName(name: $0.name) }
        ),
        .target(name: "CProcessorState"),
        .target(
            name: "RedisClient",
            dependencies: [
                "RESP",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // A benchmark, here because what it measures is for this package alone.
        .executableTarget(
            name: "bench-redis",
            dependencies: [
                "RedisClient",
                "RESP",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Benchmarks/Redis/bench-redis"
        ),
        .target(name: "RESP", dependencies: [.product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "PrometheusMetrics",
            dependencies: [.product(name: "CoreMetrics", package: "swift-metrics")]
        ),
        .target(
            name: "JSONLogging",
            dependencies: [.product(name: "Logging", package: "swift-log")]
        ),
        .target(
            name: "OTLPTracing",
            dependencies: [
                "CZlib",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            exclude: ["Export/Messages/otlp.proto"]
        ),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        // What several test targets use.
        .target(
            name: "TestSupport",
            dependencies: [.product(name: "Logging", package: "swift-log")],
            path: "Tests/TestSupport"
        ),
        .target(
            name: "RedisTestSupport",
            dependencies: [
                "RedisClient",
                "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/RedisTestSupport"
        ),
        .testTarget(
            name: "FibonacciAPITests",
            dependencies: [
                "Caching",
                "DecimalArithmetic",
                "Fibonacci",
                "FibonacciAPI",
                "JSONLogging",
                "PrometheusMetrics",
                "RESP",
                "RateLimiting",
                "RedisClient",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
            ]
        ),
        .testTarget(name: "CachingTests", dependencies: ["Caching", "TestSupport"]),
        .testTarget(
            name: "RateLimitingTests",
            dependencies: [
                "RESP",
                "RateLimiting",
                "RedisClient",
                "RedisTestSupport",
                "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // The fuzzers' own sources, and the corpus that they keep.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "FibonacciAPI",
                "OTLPTracing",
                "RESP",
                "RateLimiting",
                "RedisClient",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "FibonacciTests", dependencies: ["DecimalArithmetic", "Fibonacci", "TestSupport"]),
        .testTarget(name: "DecimalArithmeticTests", dependencies: ["DecimalArithmetic", "TestSupport"]),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "RedisClient",
                "RedisTestSupport",
                "RESP",
                "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(
            name: "RESPTests",
            dependencies: ["RESP", "TestSupport", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .testTarget(
            name: "PrometheusMetricsTests",
            dependencies: ["PrometheusMetrics", "TestSupport", .product(name: "CoreMetrics", package: "swift-metrics")]
        ),
        .testTarget(
            name: "JSONLoggingTests",
            dependencies: ["JSONLogging", .product(name: "Logging", package: "swift-log")]
        ),
        .testTarget(
            name: "OTLPTracingTests",
            dependencies: [
                "OTLPTracing",
                "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
    ] + transformKernels,
    swiftLanguageModes: [.v6]
)

for target in package.targets where !["CProcessorState", "CZlib"].contains(target.name) {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .treatAllWarnings(as: .error),
        ]
}
