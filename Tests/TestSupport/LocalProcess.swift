import Foundation

/// A program that a test started and that runs until it is ended: by its number, and waited for.
package final class LocalProcess: Sendable {
    package let identifier: Int32

    package init(_ name: String, _ arguments: [String], in directory: String) throws {
        let process = try LocalProgram.make(name, arguments, in: directory)
        try process.run()
        identifier = process.processIdentifier
    }

    package func send(signal: CInt) {
        kill(identifier, signal)
    }

    /// Ends the process and waits, for at most a second, until it is gone.
    package func end() {
        send(signal: SIGCONT)
        send(signal: SIGKILL)
        for _ in 0..<1000 where isRunning { usleep(1000) }
    }

    /// Whether the process has not ended; Foundation collects those that have.
    package var isRunning: Bool { kill(identifier, 0) == 0 }
}
