/// How far a handshake has come.
struct RESPHandshakeProgress {
    enum Next {
        case wait
        case write([[RESPArgument]])
        case refused(step: String, RESPError)
        case done(RESPGreeting)
    }

    private let handshake: RESPHandshake
    /// Nil while `HELLO` waits for its answer.
    private var greeting: RESPGreeting?
    private var steps: [RESPHandshake.Step] = []
    private var answered = 0

    init(_ handshake: RESPHandshake) {
        self.handshake = handshake
    }

    var openingCommands: [[RESPArgument]] { [handshake.hello] }

    mutating func received(_ value: RESPValue) -> Next {
        guard let greeting else { return helloAnswered(value) }
        // Its owner may not have closed yet after a refusal.
        guard answered < steps.count else { return .wait }
        let step = steps[answered]
        answered += 1
        if case .error(let error) = value, step.isRequired {
            return .refused(step: Self.name(of: step.words), error)
        }
        return answered == steps.count ? .done(greeting) : .wait
    }

    private mutating func helloAnswered(_ value: RESPValue) -> Next {
        if case .error(let error) = value {
            guard Self.meansUnknown(error) else { return .refused(step: "HELLO", error) }
            greeting = RESPGreeting(protocolVersion: 2)
            steps = handshake.legacySteps + handshake.finalSteps
        } else {
            greeting = RESPGreeting(hello: value.map)
            steps = handshake.finalSteps
        }
        return .write(steps.map(\.words))
    }

    /// Whether the server has no `HELLO`, no version 3, or does not let this user say it.
    private static func meansUnknown(_ error: RESPError) -> Bool {
        switch error.prefix {
        case "NOPROTO", "NOPERM": true
        case "ERR": error.message.lowercased().hasPrefix("unknown command")
        default: false
        }
    }

    private static func name(of words: [RESPArgument]) -> String {
        if case .text(let name)? = words.first?.storage { name } else { "" }
    }
}
