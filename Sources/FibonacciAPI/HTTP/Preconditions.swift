import HTTPTypes

/// Judges the precondition fields of a GET or HEAD request (RFC 9110 §13.2.2).
///
/// Answers never change and have no modification date, so `If-Modified-Since` and `If-Unmodified-Since` are ignored as §13.1.3
/// and §13.1.4 ask, and `If-Range` matters only to range requests, which are not served.
enum Preconditions {
    /// What the preconditions say.
    enum Outcome: Equatable {
        /// Answer as if there were none.
        case proceed
        /// 304: the client holds the current representation.
        case notModified
        /// 412: the client asks for a representation that is not the current one.
        case failed
    }

    /// The outcome for a selected representation that exists and whose tag is `current`.
    static func evaluate(_ fields: HTTPFields, current: EntityTag) -> Outcome {
        if let wanted = EntityTagList(fieldLines: fields[values: .ifMatch]) {
            switch wanted {
            case .any: break
            case .tags(let tags) where tags.contains(where: current.matchesStrongly): break
            case .tags: return .failed
            }
        }
        switch EntityTagList(fieldLines: fields[values: .ifNoneMatch]) {
        case .any: return .notModified
        case .tags(let tags) where tags.contains(where: current.matchesWeakly): return .notModified
        case .tags, nil: return .proceed
        }
    }
}
