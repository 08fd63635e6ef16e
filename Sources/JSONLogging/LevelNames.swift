import Logging

extension Logger.Level {
    /// The name, without a `String` in between.
    var name: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        }
    }

    /// The name, at least five characters wide.
    var paddedName: StaticString {
        self == .info ? "info " : name
    }
}
