import Foundation
import Testing

/// A self-signed certificate for `localhost`, made for one test and gone with it.
final class TestCertificate: Sendable {
    private let directory: String

    var certificateFile: String { "\(directory)/own.crt" }
    var keyFile: String { "\(directory)/own.key" }

    init() throws {
        directory = NSTemporaryDirectory() + "otlp-tracing-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-days", "1", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile, "-out",
            certificateFile,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl is missing: apt-get install openssl")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }
}
