"""HTTP/1.1 over a plain socket: sent is exactly what a test wrote; nothing is retried, followed or decoded."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from dataclasses import dataclass, field

DEFAULT_TIMEOUT = 10.0


class ConnectionClosed(Exception):
    """The server closed the connection before a whole response was there."""


class MalformedResponse(Exception):
    """The server sent something that is not an HTTP/1.1 response."""


@dataclass
class Response:
    """One response: the status line, the fields in the order they came, and the body without its framing."""

    status: int
    reason: str
    version: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    informational: list[int] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`, one for each line."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def field(self, name: str) -> str | None:
        """The value of the field `name`, its lines joined with commas, or None."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def members(self, name: str) -> list[str]:
        """The members of a comma-separated field, in lower case."""
        return [member.strip().lower() for member in (self.field(name) or "").split(",") if member.strip()]

    def json(self):
        return json.loads(self.body)

    @property
    def media_type(self) -> str | None:
        """The content type without its parameters."""
        value = self.field("Content-Type")
        return value.split(";")[0].strip().lower() if value is not None else None

    @property
    def closes(self) -> bool:
        """Whether the server announced that it closes the connection after this response."""
        return "close" in self.members("Connection")


def request_bytes(
    target: str | bytes,
    *,
    method: str = "GET",
    fields: list[tuple[str, str]] | dict[str, str] | None = None,
    body: bytes = b"",
    host: str | None = "test.example",
    version: str = "HTTP/1.1",
) -> bytes:
    """The bytes of a request. `fields` may hold a name more than once when it is a list."""
    lines = list(fields.items()) if isinstance(fields, dict) else list(fields or [])
    names = {name.lower() for name, _ in lines}
    if host is not None and "host" not in names:
        lines.insert(0, ("Host", host))
    if body and "content-length" not in names and "transfer-encoding" not in names:
        lines.append(("Content-Length", str(len(body))))
    raw_target = target if isinstance(target, bytes) else target.encode("latin-1")
    head = method.encode() + b" " + raw_target + b" " + version.encode() + b"\r\n"
    head += b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in lines)
    return head + b"\r\n" + body


class Connection:
    """One TCP connection to 127.0.0.1, or to ::1, with a deadline on everything it does.

    `source` is an address of 127.0.0.0/8 to come from: to the service, each is another client. `::1` stands for IPv6.
    """

    def __init__(
        self,
        port: int,
        timeout: float = DEFAULT_TIMEOUT,
        receive_buffer: int | None = None,
        source: str | None = None,
    ):
        self.timeout = timeout
        self.buffer = bytearray()
        is_ipv6 = source is not None and ":" in source
        self.socket = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.connect(("::1" if is_ipv6 else "127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Goes away at once: the peer sees a reset, not an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish_sending(self) -> None:
        """Closes the sending half; answers can still be read."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_tolerantly(self, data: bytes) -> bool:
        """Sends what the server takes; False when it closed before it took everything."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def send_request(self, target: str | bytes, **parts) -> None:
        self.send(request_bytes(target, **parts))

    def request(self, target: str | bytes, *, method: str = "GET", **parts) -> Response:
        """Sends one request and reads its answer; the connection stays open."""
        self.send_request(target, method=method, **parts)
        return self.read_response(method)

    def read_response(self, method: str = "GET", timeout: float | None = None) -> Response:
        """Reads one final response; the 1xx before it are kept in `informational`."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        informational = []
        while True:
            response = self._read_head(deadline)
            if response.status >= 200:
                break
            informational.append(response.status)
        response.informational = informational
        response.body = self._read_body(response, method, deadline)
        return response

    def read_informational(self, timeout: float) -> Response | None:
        """The next head, without a body, or None when nothing came in time."""
        try:
            return self._read_head(time.monotonic() + timeout)
        except TimeoutError:
            return None

    def is_silent_for(self, seconds: float) -> bool:
        """Whether the server sends nothing and keeps the connection for `seconds`."""
        try:
            self._receive(time.monotonic() + seconds)
        except TimeoutError:
            return not self.buffer
        except ConnectionClosed:
            return False
        return False

    def read_until_closed(self, timeout: float | None = None) -> bytes:
        """Everything up to the server's close. TimeoutError when it does not close."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._receive(deadline)
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def assert_closed_by_server(self, timeout: float = 5.0) -> None:
        """The server closes, and sends nothing more before it does."""
        rest = self.read_until_closed(timeout)
        assert rest == b"", f"bytes after the last response: {rest[:200]!r}"

    def _receive(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"nothing more from the server; so far {bytes(self.buffer[:200])!r}")
        self.socket.settimeout(remaining)
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ConnectionClosed(f"reset after {bytes(self.buffer[:200])!r}") from error
        finally:
            self.socket.settimeout(self.timeout)
        if not data:
            raise ConnectionClosed(f"closed after {bytes(self.buffer[:200])!r}")
        self.buffer += data

    def _take_until(self, delimiter: bytes, deadline: float) -> bytes:
        searched = 0
        while (end := self.buffer.find(delimiter, searched)) < 0:
            searched = max(0, len(self.buffer) - len(delimiter) + 1)
            self._receive(deadline)
        taken = bytes(self.buffer[:end])
        del self.buffer[: end + len(delimiter)]
        return taken

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self.buffer) < count:
            self._receive(deadline)
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def _read_head(self, deadline: float) -> Response:
        return parse_head(self._take_until(b"\r\n\r\n", deadline))

    def _read_body(self, response: Response, method: str, deadline: float) -> bytes:
        if method == "HEAD" or response.status in (204, 304):
            return b""
        if "chunked" in response.members("Transfer-Encoding"):
            return self._read_chunks(deadline)
        lengths = response.all("Content-Length")
        if not lengths:
            return self.read_until_closed(max(0.0, deadline - time.monotonic()))
        if len(lengths) > 1 or not lengths[0].isdigit():
            raise MalformedResponse(f"Content-Length is {lengths}")
        return self._take(int(lengths[0]), deadline)

    def _read_chunks(self, deadline: float) -> bytes:
        body = bytearray()
        while size := int(self._take_until(b"\r\n", deadline).split(b";")[0], 16):
            body += self._take(size, deadline)
            if self._take(2, deadline) != b"\r\n":
                raise MalformedResponse("a chunk does not end with CRLF")
        while self._take_until(b"\r\n", deadline):
            pass
        return bytes(body)


def parse_head(head: bytes) -> Response:
    """Parses a status line and fields, strictly."""
    status_line, *lines = head.split(b"\r\n")
    version, _, rest = status_line.partition(b" ")
    status, _, reason = rest.partition(b" ")
    if not version.startswith(b"HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise MalformedResponse(f"not a status line: {status_line[:200]!r}")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip() or b"\n" in line or b"\r" in line:
            raise MalformedResponse(f"not a field line: {line[:200]!r}")
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return Response(int(status), reason.decode("latin-1"), version.decode(), fields)


def parse_responses(data: bytes) -> list[Response]:
    """The responses in everything a server sent on one connection; raises on a byte too many."""
    responses = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        if not separator:
            raise MalformedResponse(f"not a whole head: {head[:200]!r}")
        response = parse_head(head)
        if response.status >= 200 and response.status not in (204, 304):
            length = int(response.field("Content-Length") or 0)
            if len(data) < length:
                raise MalformedResponse(f"{len(data)} of {length} bytes of a body")
            response.body, data = data[:length], data[length:]
        responses.append(response)
    return responses


def exchange(port: int, data: bytes, *, method: str = "GET", timeout: float = DEFAULT_TIMEOUT) -> Response:
    """Sends bytes on a connection of their own and reads one response."""
    with Connection(port, timeout) as connection:
        connection.send_tolerantly(data)
        return connection.read_response(method)
