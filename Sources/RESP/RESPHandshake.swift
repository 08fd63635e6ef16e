/// How a connection introduces itself before it takes commands.
///
/// `HELLO 3 AUTH … SETNAME …` comes first. A server that does not know it, or does not let it pass, is asked with `AUTH`
/// and `CLIENT SETNAME` instead and speaks version 2. Then follow `SELECT` where a database is named, and `PING`, which tells
/// whether the server serves: it is refused while data are being loaded and by replicas that have lost their master.
///
/// See <https://redis.io/docs/latest/commands/hello/>.
package struct RESPHandshake: Sendable {
    /// A user and a password; no user means the one named `default`.
    package struct Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        /// The user, if one is named.
        package var user: String?
        /// The password.
        package var password: String

        /// Credentials of this user.
        package init(user: String?, password: String) {
            self.user = user
            self.password = password
        }

        /// Nothing of the credentials.
        package var description: String { "<credentials>" }
        /// Nothing of the credentials.
        package var debugDescription: String { description }
        /// Nothing of the credentials.
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// What to authenticate with, if with anything.
    package var credentials: Credentials?
    /// The name under which `CLIENT LIST` shows the connection; visible ASCII without spaces.
    package var clientName: String?
    /// The database; 0 needs no command.
    package var database: Int

    /// A handshake with these parts.
    package init(credentials: Credentials? = nil, clientName: String? = nil, database: Int = 0) {
        self.credentials = credentials
        self.clientName = clientName
        self.database = database
    }

    var hello: [RESPArgument] {
        var words: [RESPArgument] = ["HELLO", 3]
        if let credentials {
            words += ["AUTH", RESPArgument(credentials.user ?? "default"), RESPArgument(credentials.password)]
        }
        if let clientName { words += ["SETNAME", RESPArgument(clientName)] }
        return words
    }

    /// What is sent in the place of `HELLO`, with what may be refused.
    var legacySteps: [Step] {
        var steps: [Step] = []
        if let credentials {
            var words: [RESPArgument] = ["AUTH"]
            if let user = credentials.user { words.append(RESPArgument(user)) }
            steps.append(Step(words: words + [RESPArgument(credentials.password)], isRequired: true))
        }
        if let clientName {
            steps.append(Step(words: ["CLIENT", "SETNAME", RESPArgument(clientName)], isRequired: false))
        }
        return steps
    }

    var finalSteps: [Step] {
        var steps: [Step] = []
        if database != 0 { steps.append(Step(words: ["SELECT", RESPArgument(database)], isRequired: true)) }
        steps.append(Step(words: ["PING"], isRequired: true))
        return steps
    }

    struct Step {
        var words: [RESPArgument]
        /// Whether an error reply ends the connection.
        var isRequired: Bool
    }
}

/// What a server said of itself.
package struct RESPGreeting: Sendable, Hashable {
    /// The version of the protocol, 2 or 3.
    package var protocolVersion: Int
    /// `master` or `replica`, if the server said.
    package var role: String?
    /// `standalone`, `cluster` or `sentinel`, if the server said.
    package var mode: String?
    /// The server's version, if it said.
    package var serverVersion: String?

    /// A greeting of these parts.
    package init(
        protocolVersion: Int,
        role: String? = nil,
        mode: String? = nil,
        serverVersion: String? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.role = role
        self.mode = mode
        self.serverVersion = serverVersion
    }

    init(hello map: RESPMap?) {
        self.init(
            protocolVersion: 3,
            role: map?["role"]?.text,
            mode: map?["mode"]?.text,
            serverVersion: map?["version"]?.text
        )
    }
}
