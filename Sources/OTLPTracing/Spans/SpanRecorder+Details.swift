internal import Tracing

extension SpanRecorder {
    func setAttribute(_ key: String, to value: SpanAttribute?) {
        let attribute = BoundedAttribute(key, value, limits: limits)
        update { $0.attributes.set(attribute, most: limits.attributes) }
    }

    func replaceAttributes(with attributes: SpanAttributes) {
        var bounded: [BoundedAttribute] = []
        attributes.forEach { bounded.append(BoundedAttribute($0, $1, limits: limits)) }
        update { $0.attributes.replace(with: bounded, most: limits.attributes) }
    }

    /// OpenTelemetry's order of precedence: `ok` is final, and only errors have a message.
    func setStatus(_ status: SpanStatus) {
        update { content in
            if content.status?.code == .ok { return }
            let message = status.code == .error ? status.message.map(limits.cut) : nil
            content.status = SpanStatus(code: status.code, message: message)
        }
    }

    func addEvent(_ name: String, at nanoseconds: UInt64, attributes: AttributeList) {
        let event = SpanRecord.Event(name: limits.cut(name), nanoseconds: nanoseconds, attributes: attributes)
        update { content in
            if content.events.count < limits.events {
                content.events.append(event)
            } else {
                content.droppedEventCount += 1
            }
        }
    }

    func addLink(_ link: SpanLink) {
        let attributes = AttributeList(link.attributes, most: limits.linkAttributes, limits: limits)
        let target = link.context.traceContext
        update { content in
            if let target, content.links.count < limits.links {
                content.links.append(SpanRecord.Link(target: target, attributes: attributes))
            } else {
                content.droppedLinkCount += 1
            }
        }
    }

    /// Records an error as the event that OpenTelemetry's conventions for exceptions describe.
    func addException(_ error: any Error, attributes: SpanAttributes, at nanoseconds: UInt64) {
        var list = AttributeList()
        let details: [(String, SpanAttribute)] = [
            ("exception.type", .string(String(reflecting: type(of: error)))),
            ("exception.message", .string(String(describing: error))),
        ]
        for (key, value) in details {
            list.set(BoundedAttribute(key, value, limits: limits), most: limits.eventAttributes)
        }
        attributes.forEach { list.set(BoundedAttribute($0, $1, limits: limits), most: limits.eventAttributes) }
        addEvent("exception", at: nanoseconds, attributes: list)
    }
}
