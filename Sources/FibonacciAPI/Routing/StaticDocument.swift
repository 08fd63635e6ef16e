import HTTPTypes
import NIOCore

/// A document that is part of the program: the API description and the pages that explain it.
struct StaticDocument: Sendable {
    let contentType: String
    private let content: ByteBuffer
    private let entityTag: EntityTag
    private let securityPolicy: String?

    /// - Parameter securityPolicy: the `Content-Security-Policy`, for pages.
    init(contentType: String, content: [UInt8], securityPolicy: String? = nil) {
        self.contentType = contentType
        self.content = ByteBuffer(bytes: content)
        self.entityTag = EntityTag(opaque: String(Self.fnv1a(content), radix: 16))
        self.securityPolicy = securityPolicy
    }

    /// The answer to a GET or HEAD request.
    ///
    /// - Throws: a `precondition-failed` problem.
    func response(to request: IncomingRequest) throws(Problem) -> OutgoingResponse {
        var fields: HTTPFields = [.eTag: entityTag.fieldValue, .cacheControl: "public, max-age=300"]
        switch Preconditions.evaluate(request.fields, current: entityTag) {
        case .proceed: break
        case .notModified: return OutgoingResponse(status: .notModified, fields: fields)
        case .failed:
            throw Problem(
                kind: .preconditionFailed,
                detail: "If-Match names another entity tag than \(entityTag.fieldValue)."
            )
        }
        fields[.contentType] = contentType
        fields[.contentLength] = "\(content.readableBytes)"
        fields[.contentSecurityPolicy] = securityPolicy
        return OutgoingResponse(status: .ok, fields: fields, body: request.method == .head ? nil : content)
    }

    /// FNV-1a over the content: a new build with other content gets another tag.
    private static func fnv1a(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static let pagePolicy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    static let landingPage = StaticDocument(
        contentType: "text/html; charset=utf-8",
        content: PackageResources.index_html,
        securityPolicy: pagePolicy
    )
    static let reference = StaticDocument(
        contentType: "text/html; charset=utf-8",
        content: PackageResources.docs_html,
        securityPolicy: pagePolicy
    )
    static let openAPI = StaticDocument(contentType: "application/json", content: PackageResources.openapi_json)
}
