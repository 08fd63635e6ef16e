"""Speaks to Redis: RESP2 over TCP, TLS or a Unix socket, with deadlines and pipelining."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from .errors import BackupError

CONNECT_SECONDS = 10.0
REPLY_SECONDS = 60.0
LARGEST_REPLY = 1 << 29


class RedisReplyError(BackupError):
    """Redis answered with an error."""


@dataclass(frozen=True)
class Endpoint:
    """Where a server is and how to get in. The password is read from its file when it is needed, and never shown."""

    host: str
    port: int
    user: str | None = None
    password_file: pathlib.Path | None = None
    is_tls: bool = False
    ca_file: pathlib.Path | None = None
    certificate_file: pathlib.Path | None = None
    key_file: pathlib.Path | None = None
    server_name: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def at(self, host: str, port: int) -> Endpoint:
        """Another server of the same cluster."""
        return replace(self, host=host, port=port)

    def password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text().rstrip("\r\n")
        except OSError as error:
            raise BackupError(f"the password cannot be read: {error}") from None


def parse_url(url: str, **files) -> Endpoint:
    """An endpoint from `redis://` or `rediss://`. A password in it is refused: it would be seen in a process list."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise BackupError("the address of Redis has to be redis://[USER@]HOST[:PORT] or rediss://…")
    if parts.password is not None:
        raise BackupError("the address of Redis holds a password: put it into a file, --password-file")
    if parts.path not in ("", "/"):
        raise BackupError("the address of Redis names a database: all are backed up")
    user = unquote(parts.username) if parts.username else None
    return Endpoint(parts.hostname, parts.port or 6379, user, is_tls=parts.scheme == "rediss", **files)


class Connection:
    """A connection to one server. Replies come in the order of the commands."""

    def __init__(self, connected: socket.socket, name: str):
        self.socket = connected
        self.name = name
        self.file = connected.makefile("rb", buffering=1 << 16)

    @classmethod
    def open(cls, endpoint: Endpoint) -> Connection:
        try:
            plain = socket.create_connection((endpoint.host, endpoint.port), CONNECT_SECONDS)
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected = _secured(plain, endpoint) if endpoint.is_tls else plain
            except BaseException:
                plain.close()
                raise
        except OSError as error:
            raise BackupError(f"no connection to Redis at {endpoint}: {error}") from None
        connected.settimeout(REPLY_SECONDS)
        connection = cls(connected, str(endpoint))
        try:
            password = endpoint.password()
            if password is not None:
                connection.call("AUTH", *([endpoint.user] if endpoint.user else []), password)
        except BaseException:
            connection.close()
            raise
        return connection

    @classmethod
    def open_unix(cls, path: pathlib.Path, timeout: float = REPLY_SECONDS) -> Connection:
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.settimeout(timeout)
            connected.connect(str(path))
        except OSError:
            connected.close()
            raise
        return cls(connected, "the scratch server")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.socket.close()

    def call(self, *words: bytes | str | int):
        """The reply to one command; an error reply is raised."""
        reply = self.pipeline([words])[0]
        if isinstance(reply, RedisReplyError):
            raise reply
        return reply

    def pipeline(self, commands: Iterable[tuple]) -> list:
        """The replies to commands that are sent together. Error replies are among them, not raised.

        What is sent at once has to fit the buffers on the way while nobody reads: keep it to a megabyte or so.
        """
        commands = list(commands)
        try:
            self.socket.sendall(b"".join(encode(words) for words in commands))
            return [self._reply() for _ in commands]
        except TimeoutError:
            raise BackupError(f"{self.name} has not answered in {self.socket.gettimeout():g} s") from None
        except OSError as error:
            raise BackupError(f"the connection to {self.name} is lost: {error}") from None

    def _line(self) -> bytes:
        line = self.file.readline(1 << 16)
        if not line.endswith(b"\r\n"):
            raise BackupError(f"{self.name} has closed the connection")
        return line[:-2]

    def _reply(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisReplyError(f"{self.name} says: {rest.decode(errors='replace')}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            if size > LARGEST_REPLY:
                raise BackupError(f"{self.name} announces a value of {size:,} bytes")
            data = self.file.read(size + 2)
            if len(data) != size + 2:
                raise BackupError(f"{self.name} has closed the connection")
            return data[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise BackupError(f"{self.name} does not speak RESP")


def encode(words: tuple) -> bytes:
    """A command as Redis reads it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _secured(plain: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.certificate_file:
        context.load_cert_chain(endpoint.certificate_file, endpoint.key_file)
    return context.wrap_socket(plain, server_hostname=endpoint.server_name or endpoint.host)


def information(connection: Connection, *sections: str) -> dict[str, str]:
    """The fields of INFO."""
    fields: dict[str, str] = {}
    for section in sections:
        for line in connection.call("INFO", section).decode().splitlines():
            name, separator, value = line.partition(":")
            if separator:
                fields[name] = value
    return fields
