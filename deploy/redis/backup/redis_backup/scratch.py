"""An empty Redis that loads a snapshot, and goes when it is not needed any more. It listens on a Unix socket only."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from . import rdb
from .errors import BackupError
from .rdb import NO_EXPIRY, Entry
from .resp import Connection, RedisReplyError, information

BATCH = 500
# Keys that expire within this time might go while they are compared.
MARGIN_MILLISECONDS = 3_600_000


class ScratchServer:
    """A `redis-server` that keeps nothing, on the snapshot `path`. Ready on entry, gone on exit."""

    def __init__(self, path: pathlib.Path, redis_server: str, timeout: float):
        self.path, self.redis_server, self.timeout = path, redis_server, timeout
        self.seconds = 0.0
        self.process: subprocess.Popen | None = None
        # Sockets have short paths, and a work directory may not: this one is the system's.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="redis-scratch-"))
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redis-scratch-", dir=path.parent))

    def __enter__(self) -> ScratchServer:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _start(self) -> None:
        os.link(self.path, self.directory / "dump.rdb")
        options = {
            "port": "0",
            "unixsocket": str(self.runtime / "s"),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "dbfilename": "dump.rdb",
            "save": "",
            "appendonly": "no",
            "maxmemory": "0",
            "daemonize": "no",
            "logfile": "",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        begin = time.monotonic()
        with (self.runtime / "log").open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    [self.redis_server, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            except FileNotFoundError:
                raise BackupError(
                    f"{self.redis_server} is not there: install redis-server, or name it with --redis-server"
                ) from None
            except OSError as error:
                raise BackupError(f"{self.redis_server} cannot be started: {error.strerror}") from None
        while not self._is_loaded():
            if self.process.poll() is not None:
                raise BackupError(
                    f"redis-server ended with {self.process.returncode} instead of loading: {self._last_line()}"
                )
            if time.monotonic() - begin > self.timeout:
                raise BackupError(
                    f"redis-server had not loaded the snapshot after {self.timeout:g} s: {self._last_line()}"
                )
            time.sleep(0.01)
        self.seconds = time.monotonic() - begin

    def _is_loaded(self) -> bool:
        try:
            with Connection.open_unix(self.runtime / "s", timeout=5) as connection:
                return connection.call("PING") == "PONG"
        except (OSError, BackupError):
            return False

    def _last_line(self) -> str:
        lines = (self.runtime / "log").read_text(errors="replace").strip().splitlines()
        telling = [line for line in lines if " # " in line] or lines
        return telling[-1] if telling else "it said nothing"

    def connect(self) -> Connection:
        try:
            return Connection.open_unix(self.runtime / "s")
        except OSError as error:
            raise BackupError(f"the scratch server is gone: {error.strerror}") from None

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for directory in (self.runtime, self.directory):
            shutil.rmtree(directory, ignore_errors=True)


def later_by(earliest_expiry: int | None, now_ms: int) -> int:
    """How much later keys have to expire so that none goes while it is looked at: 0 if none would."""
    if earliest_expiry is None or earliest_expiry > now_ms + MARGIN_MILLISECONDS:
        return 0
    return now_ms - earliest_expiry + 24 * MARGIN_MILLISECONDS


@contextlib.contextmanager
def all_keys(
    path: pathlib.Path, name: str, earliest_expiry: int | None, redis_server: str, timeout: float
) -> Iterator[tuple[ScratchServer, int]]:
    """A server with every key of a snapshot, expired ones included; and by how many ms later they expire there."""
    shift = later_by(earliest_expiry, time.time_ns() // 1_000_000)
    if shift == 0:
        with ScratchServer(path, redis_server, timeout) as server:
            yield server, 0
        return
    shifted = path.with_suffix(".shifted")
    try:
        rdb.shift(path, shifted, shift, name)
        with ScratchServer(shifted, redis_server, timeout) as server:
            yield server, shift
    finally:
        shifted.unlink(missing_ok=True)


def databases(connection: Connection) -> list[int]:
    """The numbers of those that hold keys."""
    return sorted(int(name[2:]) for name in information(connection, "keyspace") if name.startswith("db"))


def batches(connection: Connection, database: int) -> Iterator[list[bytes]]:
    """All keys of a database that nobody writes to. SCAN may repeat one."""
    connection.call("SELECT", database)
    cursor = b"0"
    while True:
        cursor, keys = connection.call("SCAN", cursor, "COUNT", BATCH)
        if keys:
            yield keys
        if cursor == b"0":
            return


def held(connection: Connection, shift: int) -> dict[tuple[int, bytes], int]:
    """What a server holds: when each key expires, by database and key, as it was before the shift."""
    found: dict[tuple[int, bytes], int] = {}
    for database in databases(connection):
        for keys in batches(connection, database):
            replies = connection.pipeline([("PEXPIRETIME", key) for key in keys])
            for key, reply in zip(keys, replies, strict=True):
                if isinstance(reply, RedisReplyError):
                    raise reply
                # -2: it is not there any more, which the comparison will tell.
                if reply != -2:
                    found[database, key] = NO_EXPIRY if reply == -1 else reply - shift
    return found


def inventory(keys: dict[tuple[int, bytes], int]) -> rdb.Inventory:
    found = rdb.Inventory()
    for (database, key), expires_at in keys.items():
        found.add(Entry(database, key, expires_at))
    return found
