"""A receiver of OTLP over HTTP, which decodes with OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from service import wait_until


@dataclass
class Span:
    """A span and what its process says of itself."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict
    resource: dict
    is_error: bool
    begin: int
    end: int


def plain(values) -> dict:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in values}


class Collector:
    """Runs until closed. `status` is what it answers; `delay` is how long it takes, in seconds."""

    def __init__(self):
        self.status, self.delay = 200, 0.0
        self.fields: dict[str, str] = {}
        self.paths: set[str] = set()
        self.requests = 0
        self.spans: list[Span] = []
        self.lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.receive(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        # Nothing in it that the official messages do not know.
        assert request.SerializeToString(deterministic=True) == body
        with self.lock:
            self.requests += 1
            self.paths.add(handler.path)
            self.fields = dict(handler.headers.items())
            if self.status == 200:
                self.spans += list(decode(request))
        time.sleep(self.delay)
        answer = ExportTraceServiceResponse().SerializeToString()
        handler.send_response(self.status)
        handler.send_header("Content-Type", "application/x-protobuf")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def wait_for(self, count: int, timeout: float = 10.0, **wanted) -> list[Span]:
        """At least so many spans with these attributes (dots for double underscores) or names, once they are there."""

        def matching() -> list[Span] | None:
            with self.lock:
                found = [span for span in self.spans if all(matches(span, *item) for item in wanted.items())]
            return found if len(found) >= count else None

        return wait_until(matching, timeout, f"{count} spans with {wanted}")

    def trace(self, trace_id: str) -> list[Span]:
        with self.lock:
            return [span for span in self.spans if span.trace_id == trace_id]

    def close(self) -> None:
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


def matches(span: Span, key: str, value) -> bool:
    if hasattr(span, key):
        return getattr(span, key) == value
    return span.attributes.get(key.replace("__", ".")) == value


def decode(request: ExportTraceServiceRequest):
    for resource_spans in request.resource_spans:
        resource = plain(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    span.name,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    plain(span.attributes),
                    resource,
                    span.status.code == 2,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                )
