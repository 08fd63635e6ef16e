// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "bench-engine",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "fibonacci-api", path: "../..")],
    targets: [
        .systemLibrary(name: "CGMP", providers: [.apt(["libgmp-dev"]), .brew(["gmp"])]),
        .executableTarget(
            name: "bench-engine",
            dependencies: ["CGMP", .product(name: "Fibonacci", package: "fibonacci-api")]
        ),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
