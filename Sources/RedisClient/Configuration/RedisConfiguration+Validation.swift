extension RedisConfiguration {
    /// Takes the password from a file, as platforms mount secrets. It wins over a password in the URL.
    ///
    /// The end of the last line is not part of it.
    ///
    /// - Throws: that the file cannot be read, is empty or larger than 64 KiB.
    package mutating func readPassword(fromFile path: String) throws(RedisConfigurationError) {
        let bytes: [UInt8]
        do throws(SmallFileError) {
            bytes = try SmallFile.read(path)
        } catch {
            throw RedisConfigurationError(.passwordFile, "\(path): \(error)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RedisConfigurationError(.passwordFile, "\(path): expected UTF-8")
        }
        let end = text.unicodeScalars.lastIndex { $0 != "\n" && $0 != "\r" }
        guard let end else { throw RedisConfigurationError(.passwordFile, "\(path): expected a password, it is empty") }
        password = RedisSecret(String(text.unicodeScalars[...end]))
    }

    /// Checks what belongs together and every number.
    ///
    /// - Throws: the first thing that is wrong.
    package func validate() throws(RedisConfigurationError) {
        if user != nil, password == nil {
            throw RedisConfigurationError(
                .url,
                "a user but no password; write redis://user:password@host, :password@host, or name a password file"
            )
        }
        if isCluster, database != 0 {
            throw RedisConfigurationError(.url, "a cluster has only database 0, not \(database)")
        }
        if let tls, (tls.certificateFile == nil) != (tls.keyFile == nil) {
            throw RedisConfigurationError(.tls, "a client certificate and its key are needed together")
        }
        if let clientName, clientName.isEmpty || !clientName.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw RedisConfigurationError(.number, "the client name has to be visible ASCII without spaces")
        }
        try Self.check("connections to a node", connectionCount, in: 1...64)
        try Self.check("commands in flight", limits.inFlightCommands, in: 1...1_000_000)
        try Self.check("bytes in flight", limits.inFlightBytes, in: 1024...(1 << 30))
        for (name, value) in [
            ("command", timeouts.command), ("connect", timeouts.connect), ("keep-alive", timeouts.keepAlive),
            ("silence", timeouts.silence), ("close", timeouts.close), ("probe", timeouts.probe),
        ] where value <= .zero || value > .seconds(86_400) {
            throw RedisConfigurationError(.number, "the \(name) timeout has to be above 0 and at most a day")
        }
    }

    private static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(RedisConfigurationError)
    {
        guard range.contains(value) else {
            throw RedisConfigurationError(
                .number,
                "\(name) are \(value), expected \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }
}
