import Foundation
import Testing

@testable import PrometheusMetrics

@Suite("Facts about the process")
struct ProcessCollectorTests {
    private let registry = PrometheusRegistry()

    private func value(_ name: String) throws -> Double {
        try #require(registry.sample(name).flatMap { Double($0) })
    }

    #if os(Linux)
        @Test("are those of this process")
        func values() throws {
            registry.register(ProcessCollector())
            let page = Double(sysconf(CInt(_SC_PAGESIZE)))
            #expect(try value("process_resident_memory_bytes") > 1_000_000)
            #expect(try value("process_resident_memory_bytes").remainder(dividingBy: page) == 0)
            #expect(try value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"))
            #expect(try value("process_threads") >= 1)
            #expect(try value("process_max_fds") >= value("process_open_fds"))
            #expect(try value("process_start_time_seconds") > 1_500_000_000)
            #expect(try value("process_start_time_seconds") < Date().timeIntervalSince1970 + 2)
        }

        @Test("count open descriptors")
        func descriptors() throws {
            registry.register(ProcessCollector())
            // Other tests open files at the same time, but not as many.
            let before = try value("process_open_fds")
            let files = try (0..<200).map { _ in try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/null")) }
            let after = try value("process_open_fds")
            for file in files { try file.close() }
            #expect((100...300).contains(after - before), "\(before) \(after)")
        }
    #endif

    @Test("grow in processor time")
    func processorTime() throws {
        registry.register(ProcessCollector())
        let first = try value("process_cpu_seconds_total")
        var sum = 0.0
        for index in 0..<200_000 { sum += Double(index).squareRoot() }
        #expect(sum > 0)
        #expect(try value("process_cpu_seconds_total") > first)
        #expect(try value("process_max_fds") > 0)
    }

    @Test("have the names, kinds and units that all clients use")
    func names() {
        let families = ProcessCollector().families
        #expect(
            families.map(\.textName).sorted() == [
                "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes",
                "process_start_time_seconds", "process_threads", "process_virtual_memory_bytes",
            ]
        )
        #expect(ProcessCollector().collect().count == families.count)
    }

    @Test("are read from behind a program's name, whatever that is")
    func parsing() throws {
        let fields = (4...52).map { "\($0)" }.joined(separator: " ")
        let status = try #require(ProcessStatus(Array("17 (a) R 1 (b c)) S \(fields)\n".utf8)))
        #expect(status.threads == 20)
        #expect(status.startTicks == 22)
        #expect(status.virtualBytes == 23)
        #expect(status.residentPages == 24)
        for text in ["", "17 (a) S 1 2", "no parentheses", "17 (a) S " + fields.replacing("20", with: "x")] {
            #expect(ProcessStatus(Array(text.utf8)) == nil)
        }
        #expect(ProcessStatus.bootTime(Array("cpu 1 2\nintr 3\nbtime 1700000000\nprocesses 4\n".utf8)) == 1_700_000_000)
        #expect(ProcessStatus.bootTime(Array("cpu 1 2\n".utf8)) == nil)
    }
}
