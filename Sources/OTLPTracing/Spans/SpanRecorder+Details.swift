internal import Tracing

extension SpanRecorder {
    func setAttribute(_ key: String, to value: SpanAttribute?) {
        update { $0.attributes.set(key, to: value, most: limits.attributes, limits: limits) }
    }

    func replaceAttributes(with attributes: SpanAttributes) {
        update { $0.attributes.replace(with: attributes, most: limits.attributes, limits: limits) }
    }

    /// OpenTelemetry's order of precedence: `ok` is final, and only errors have a message.
    func setStatus(_ status: SpanStatus) {
        update { content in
            if content.status?.code == .ok { return }
            let message = status.code == .error ? status.message.map(limits.cut) : nil
            content.status = SpanStatus(code: status.code, message: message)
        }
    }

    func addEvent(_ name: String, at nanoseconds: UInt64, attributes: @autoclosure () -> AttributeList) {
        update { content in
            guard content.events.count < limits.events else { return content.droppedEventCount += 1 }
            content.events.append(
                SpanRecord.Event(name: limits.cut(name), nanoseconds: nanoseconds, attributes: attributes())
            )
        }
    }

    func addLink(_ link: SpanLink) {
        update { content in
            guard let target = link.context.traceContext, content.links.count < limits.links else {
                return content.droppedLinkCount += 1
            }
            let attributes = AttributeList(link.attributes, most: limits.linkAttributes, limits: limits)
            content.links.append(SpanRecord.Link(target: target, attributes: attributes))
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
            list.set(key, to: value, most: limits.eventAttributes, limits: limits)
        }
        attributes.forEach { list.set($0, to: $1, most: limits.eventAttributes, limits: limits) }
        addEvent("exception", at: nanoseconds, attributes: list)
    }
}
