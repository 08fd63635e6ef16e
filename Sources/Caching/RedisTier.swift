package import NIOCore
internal import RESP
package import RedisClient

/// The second cache tier: values in a Redis that several processes share.
///
/// It can only help: whatever happens to Redis, a look-up ends within its time with a value or without one, and a value that is not what
/// it should be is for the caller to refuse. What is stored goes away after a while, because a shared cache outlives every process.
package struct RedisTier: Sendable {
    /// What a look-up found.
    package enum Lookup: Sendable {
        /// The bytes at the key, whatever they are.
        case found(ByteBuffer)
        /// The key holds nothing.
        case absent
        /// The key holds something that is no string.
        case wrongType
        /// Redis did not say.
        case unavailable(RedisError)
    }

    private let client: any RedisCommanding
    private let keyPrefix: String
    private let secondsToLive: Int
    private let largestValue: Int

    /// A tier over a client.
    ///
    /// - Parameters:
    ///   - keyPrefix: what precedes the index in a key.
    ///   - secondsToLive: after how many seconds a value goes away, at least 1.
    ///   - largestValue: the most bytes of a value that is stored or looked up.
    package init(client: any RedisCommanding, keyPrefix: String, secondsToLive: Int, largestValue: Int) {
        self.client = client
        self.keyPrefix = keyPrefix
        self.secondsToLive = secondsToLive
        self.largestValue = largestValue
    }

    /// Whether it is of use to ask: false while Redis is known to be away.
    package var isReachable: Bool {
        switch client.state.level {
        case .connected, .degraded: true
        case .starting, .down: false
        }
    }

    /// Whether a value of so many bytes belongs here.
    package func takes(byteCount: Int) -> Bool { byteCount <= largestValue }

    /// The value at an index.
    ///
    /// - Parameter timeout: how long to wait at most.
    package func value(at index: Int, timeout: Duration) async -> Lookup {
        do throws(RedisError) {
            let reply = try await client.send(.get(key(index)), timeout: timeout)
            return reply.bytes.map(Lookup.found) ?? .absent
        } catch {
            return error.replyCode == .wrongType ? .wrongType : .unavailable(error)
        }
    }

    /// Stores a value, in the place of whatever is there.
    ///
    /// - Parameter timeout: how long to wait for the reply; the value may be stored after that all the same.
    /// - Throws: why it is not known to be stored.
    package func store(_ value: ByteBuffer, at index: Int, timeout: Duration) async throws(RedisError) {
        let command = RedisCommand.set(key(index), RESPArgument(value), expiringAfter: secondsToLive)
        _ = try await client.send(command, timeout: timeout)
    }

    /// Stores values where there are none yet. They are sent together, and each goes to the node that it belongs to.
    ///
    /// - Returns: whether Redis took or had all of them.
    package func warm(_ values: [(index: Int, value: ByteBuffer)], timeout: Duration) async -> Bool {
        await withTaskGroup { tasks in
            for (index, value) in values {
                tasks.addTask {
                    let command = RedisCommand.set(
                        key(index),
                        RESPArgument(value),
                        expiringAfter: secondsToLive,
                        .ifAbsent
                    )
                    return (try? await client.send(command, timeout: timeout)) != nil
                }
            }
            return await tasks.allSatisfy { $0 }
        }
    }

    private func key(_ index: Int) -> String { keyPrefix + String(index) }
}
