@testable import FibonacciAPI

/// The parameter `n` and the request target around it, next to a second reading of the grammar.
enum QueryCheck {
    static func check(_ input: UnsafeBufferPointer<UInt8>) throws(Violation) {
        let text = String(decoding: input, as: UTF8.self)
        try checkTarget(text)
        let expected = lookup(Array(text.utf8))
        let query = QueryParameters(text[...])
        try require(query.lookup("n") == expected, "the look-up of n is \(expected)")
        for maximum in [0, 9, 99_999, 10_000_000, 1_000_000_000] {
            try check(query, maximum: maximum, against: expected)
        }
    }

    private static func check(
        _ query: QueryParameters,
        maximum: Int,
        against lookup: QueryParameters.Lookup
    ) throws(Violation) {
        let expected = outcome(of: lookup, maximum: maximum)
        let found: Outcome
        do throws(Problem) {
            found = .index(try FibonacciIndex.parse(query, maximum: maximum))
        } catch {
            found = .problem(error.kind)
            try require(
                Input.isVisible(error.detail.filter { $0 != "…" }) && error.detail.utf8.count <= 400,
                "what is wrong with n is said in one short line: \(error.detail)"
            )
        }
        try require(found == expected, "n is \(expected), not \(found)")
    }

    private enum Outcome: Equatable {
        case index(Int)
        case problem(Problem.Kind)
    }

    private static func outcome(of lookup: QueryParameters.Lookup, maximum: Int) -> Outcome {
        guard case .single(let bytes) = lookup, let first = bytes.first,
            bytes.allSatisfy({ (0x30...0x39).contains($0) }), first != 0x30 || bytes.count == 1
        else { return .problem(.invalidParameter) }
        var value = 0
        for byte in bytes {
            value = value * 10 + Int(byte - 0x30)
            // Before it overflows.
            if value > maximum { return .problem(.indexTooLarge) }
        }
        return .index(value)
    }

    private static func lookup(_ query: [UInt8]) -> QueryParameters.Lookup {
        let values = pairs(query).filter { decoded($0.name) == Array("n".utf8) }.map { decoded($0.value) }
        switch values.count {
        case 0: return .missing
        case 1: return .single(values[0])
        default: return .repeated(values.count)
        }
    }

    private static func pairs(_ query: [UInt8]) -> [(name: [UInt8], value: [UInt8])] {
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        var name: [UInt8] = []
        var value: [UInt8]?
        for byte in query + Array("&".utf8) {
            switch byte {
            case 0x26:
                pairs.append((name, value ?? []))
                (name, value) = ([], nil)
            case 0x3D where value == nil: value = []
            default: if value == nil { name.append(byte) } else { value?.append(byte) }
            }
        }
        return pairs
    }

    private static func decoded(_ text: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        func digit(at position: Int) -> Int? {
            guard position < text.count else { return nil }
            let isCapital = (0x41...0x46).contains(text[position])
            return digits.firstIndex(of: isCapital ? text[position] + 32 : text[position])
        }
        var bytes: [UInt8] = []
        var position = 0
        while position < text.count {
            if text[position] == 0x25, let high = digit(at: position + 1), let low = digit(at: position + 2) {
                bytes.append(UInt8(high * 16 + low))
                position += 3
            } else {
                bytes.append(text[position])
                position += 1
            }
        }
        return bytes
    }

    private static func checkTarget(_ text: String) throws(Violation) {
        for prefix in ["/v1/fib?", "http://host/v1/fib?", "HTTPS://[::1]:8000/v1/fib?"] {
            let target = RequestTarget(prefix + text)
            if text.utf8.contains(0x23) {
                try require(target == nil, "a target with a fragment is none")
            } else {
                try require(target?.path == "/v1/fib", "\(prefix) has the path /v1/fib")
                let isKept = target.map { $0.query.utf8.elementsEqual(text.utf8) }
                try require(isKept == true, "a query is kept to the letter")
            }
        }
        if let target = RequestTarget(text) {
            try require(target.path == "*" || target.path.utf8.first == 0x2F, "a path is absolute: \(target.path)")
        }
    }
}
