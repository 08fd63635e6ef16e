@testable import OTLPTracing

/// Trace contexts: next to a second reading of the grammar, and handed on as they came.
enum TraceContextCheck {
    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        let lines = Input.parts(input, at: 0x0A)
        try checkState(lines.dropFirst().first ?? "")
        let field = lines[0].trimmed
        guard let context = TraceContext(traceParent: lines[0], traceState: lines.dropFirst().first) else {
            try require(!isTraceParent(field), "\(field.debugDescription) is a traceparent")
            return
        }
        try require(isTraceParent(field), "\(field.debugDescription) is no traceparent")
        let written = context.traceParent
        try require(written.utf8.count == 55 && isTraceParent(written), "what is written is a traceparent: \(written)")
        try require(
            written.utf8.dropFirst(2).prefix(50).elementsEqual(field.utf8.dropFirst(2).prefix(50)),
            "identifiers are handed on: \(written)"
        )
        let again = TraceContext(traceParent: written, traceState: context.traceState?.description)
        try require(again == context, "a context, written and read, is the same")
    }

    private static func isTraceParent(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts.prefix(4).map(\.count) == [2, 32, 16, 2] else { return false }
        let areDigits = parts.prefix(4).allSatisfy { $0.allSatisfy("0123456789abcdef".utf8.contains) }
        let version = String(Substring(parts[0]))
        return areDigits && version != "ff" && (version != "00" || parts.count == 4)
            && parts[1...2].allSatisfy { $0.contains { $0 != 0x30 } }
    }

    private static func checkState(_ text: String) throws(Violation) {
        let state = TraceState(text)
        let isState = isTraceState(text)
        try require((state != nil) == isState, "\(text.debugDescription) is \(isState ? "" : "no ")tracestate")
        guard let state else { return }
        try require(state.description.utf8.elementsEqual(text.utf8), "a state is handed on to the letter")
    }

    private static func isTraceState(_ text: String) -> Bool {
        let members = text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
        let keys = members.map { $0.prefix { $0 != "=" } }
        return text.utf8.count <= 512 && (1...32).contains(members.count) && Set(keys).count == keys.count
            && members.allSatisfy(isMember)
    }

    private static func isMember(_ member: String) -> Bool {
        let simple = /[a-z][a-z0-9_\-*\/]{0,255}/
        let multiTenant = /[a-z0-9][a-z0-9_\-*\/]{0,240}@[a-z][a-z0-9_\-*\/]{0,13}/
        let value = /[\x20-\x3C\x3E-\x7E]{0,255}[\x21-\x3C\x3E-\x7E]/
        guard member.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), let equals = member.firstIndex(of: "=") else {
            return false
        }
        let key = member[..<equals]
        return (key.wholeMatch(of: simple) != nil || key.wholeMatch(of: multiTenant) != nil)
            && member[member.index(after: equals)...].wholeMatch(of: value) != nil
    }
}

extension String {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }), let last = utf8.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(self[first..<utf8.index(after: last)])
    }
}
