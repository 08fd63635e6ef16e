import RawStructuredFieldValues

/// How a cache took part in an answer, as the `Cache-Status` field tells it (RFC 9211).
enum CacheStatus: Equatable, Sendable {
    /// The memory tier had the body.
    case hit
    /// The Redis tier had the digits.
    case redisHit
    /// The caller's own copy is current, which the entity tag alone shows.
    case validated
    /// The value was computed for this request; whether the memory tier keeps it.
    case computed(stored: Bool)
    /// The value was computed for another request that was under way.
    case collapsed
    /// HEAD: the body was not needed.
    case notComputed

    /// One word for logs.
    var logValue: String {
        switch self {
        case .hit: "hit"
        case .redisHit: "redis-hit"
        case .validated: "validated"
        case .computed: "miss"
        case .collapsed: "collapsed"
        case .notComputed: "not-computed"
        }
    }

    /// The serialized field, one of seven that never change.
    var fieldValue: String {
        switch self {
        case .hit: Self.hitValue
        case .redisHit: Self.redisHitValue
        case .validated: Self.validatedValue
        case .computed(stored: true): Self.storedValue
        case .computed(stored: false): Self.passedValue
        case .collapsed: Self.collapsedValue
        case .notComputed: Self.notComputedValue
        }
    }

    private static let hitValue = serialize([("hit", .bool(true)), ("detail", .token("memory"))])
    private static let redisHitValue = serialize([("hit", .bool(true)), ("detail", .token("redis"))])
    private static let validatedValue = serialize([("hit", .bool(true)), ("detail", .token("validator"))])
    private static let storedValue = serialize(
        [("fwd", .token("uri-miss")), ("stored", .bool(true)), ("detail", .token("compute"))]
    )
    private static let passedValue = serialize([("fwd", .token("uri-miss")), ("detail", .token("compute"))])
    private static let collapsedValue = serialize(
        [("fwd", .token("uri-miss")), ("collapsed", .bool(true)), ("detail", .token("compute"))]
    )
    private static let notComputedValue = serialize([("fwd", .token("uri-miss")), ("detail", .token("not-computed"))])

    private static func serialize(_ parameters: [(String, RFC9651BareItem)]) -> String {
        var item = Item(bareItem: RFC9651BareItem.token("fibonacci-api"), parameters: [:])
        for (name, value) in parameters {
            item.rfc9651Parameters[name] = value
        }
        var serializer = StructuredFieldValueSerializer()
        let bytes = (try? serializer.writeListFieldValue([.item(item)])) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}
