import Foundation
import Testing

@Suite("Corpus of the fuzzers")
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).appending(path: "../../../Fuzz/Corpus").standardized

    @Test("what has to hold for any input holds for every one that was kept", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: target.rawValue),
            includingPropertiesForKeys: nil
        )
        #expect((1...200).contains(files.count))
        for file in files {
            let input = Array(try Data(contentsOf: file))
            #expect(input.count <= 4096, "\(file.lastPathComponent)")
            do throws(Violation) {
                try input.withUnsafeBufferPointer { input throws(Violation) in try target.check(input) }
            } catch {
                Issue.record("\(target.rawValue)/\(file.lastPathComponent): \(error)")
            }
        }
    }

    @Test("nothing is kept for fuzzers that are no more")
    func folders() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }
}
