"""Puts a backup back into a running Redis, whatever its shards are by now."""

from __future__ import annotations

import pathlib
import time
from dataclasses import dataclass

from . import rdb, sample, scratch, snapshot
from .drill import download
from .errors import BackupError
from .resp import Connection, Endpoint, RedisReplyError
from .storage import Storage
from .topology import discover, slot_of

KEYS_AT_ONCE = 100
BYTES_AT_ONCE = 1 << 20


@dataclass
class Outcome:
    restored: int = 0
    present: int = 0
    expired: int = 0
    compared: int = 0
    seconds: float = 0.0


class Target:
    """The running Redis: a connection to each primary, and who has which slot."""

    def __init__(self, endpoint: Endpoint):
        topology = discover(endpoint)
        self.is_cluster = topology.is_cluster
        self.owners = topology.owners()
        self.connections: dict[str, Connection] = {}
        try:
            for owner in self.owners:
                if str(owner) not in self.connections:
                    self.connections[str(owner)] = Connection.open(owner)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()

    def of(self, key: bytes) -> str:
        return str(self.owners[slot_of(key) if self.is_cluster else 0])


def run(
    storage: Storage,
    identifier: str,
    endpoint: Endpoint,
    work: pathlib.Path,
    tools: snapshot.Tools,
    computer: sample.Computer,
    *,
    expire_after: int | None,
    replace: bool,
    sample_size: int,
    seed: int,
    timeout: float,
) -> Outcome:
    """Restores every key that has not expired; with `expire_after` seconds every key, to expire then.

    Keys that are there already are left alone unless `replace`. It can be run again after an interruption.
    """
    begin = time.monotonic()
    manifest = storage.get_manifest(identifier)
    outcome = Outcome()
    with Target(endpoint) as target:
        for record in manifest.shards:
            path = work / record.file
            download(storage, identifier, record, path)
            snapshot.check(path, record.file, tools, timeout)
            found = rdb.inventory(path, record.file)
            if wrong := record.differences(found):
                raise BackupError(wrong[0])
            with (
                scratch.all_keys(path, record.file, found.earliest_expiry, tools.redis_server, timeout) as (
                    server,
                    shift,
                ),
                server.connect() as source,
            ):
                if sample_size:
                    _compare(source, sample_size, seed, computer, outcome)
                _copy(source, target, shift, expire_after, replace, outcome)
            path.unlink()
    outcome.seconds = round(time.monotonic() - begin, 3)
    return outcome


def _compare(source: Connection, sample_size: int, seed: int, computer: sample.Computer, outcome: Outcome) -> None:
    """Whether some of a scratch server's values are what is computed, before any of them is written anywhere."""
    keys = (key for batch in scratch.batches(source, 0) for key in batch)
    indices = {n for key in keys if (n := sample.index_of(key)) is not None}
    for n in sample.choose(list(indices), sample_size, seed):
        if wrong := sample.difference(n, source.call("GET", f"fib:{n}") or b"", computer.compute(n)):
            raise BackupError(f"{wrong}. Nothing of this shard was restored: take another backup")
        outcome.compared += 1


def _copy(
    source: Connection, target: Target, shift: int, expire_after: int | None, replace: bool, outcome: Outcome
) -> None:
    """Copies all keys of a scratch server. What DUMP gives has a checksum, which RESTORE compares."""
    for database in scratch.databases(source):
        if database != 0:
            raise BackupError(f"the backup has keys in database {database}: only database 0 can be restored")
        for scanned in scratch.batches(source, database):
            for start in range(0, len(scanned), KEYS_AT_ONCE):
                _copy_batch(
                    source, target, scanned[start : start + KEYS_AT_ONCE], shift, expire_after, replace, outcome
                )


def _copy_batch(
    source: Connection,
    target: Target,
    keys: list[bytes],
    shift: int,
    expire_after: int | None,
    replace: bool,
    outcome: Outcome,
) -> None:
    now = time.time_ns() // 1_000_000
    expiries = source.pipeline([("PEXPIRETIME", key) for key in keys])
    waiting: dict[str, list[tuple[bytes, tuple]]] = {}
    size = 0

    def flush() -> None:
        for owner, pending in waiting.items():
            replies = target.connections[owner].pipeline([command for _, command in pending])
            for (key, _), reply in zip(pending, replies, strict=True):
                if isinstance(reply, RedisReplyError):
                    if "BUSYKEY" not in str(reply):
                        raise BackupError(f"{key.decode(errors='backslashreplace')} was not restored: {reply}")
                    outcome.present += 1
                else:
                    outcome.restored += 1
        waiting.clear()

    for key, expiry in zip(keys, expiries, strict=True):
        if isinstance(expiry, RedisReplyError):
            raise expiry
        if expiry == -1:
            expires_at = 0
        elif expire_after is not None:
            expires_at = now + expire_after * 1000
        elif (expires_at := expiry - shift) <= now:
            outcome.expired += 1
            continue
        # One at a time: values of a megabyte would fill the memory a hundred at once.
        payload = source.call("DUMP", key)
        command = ("RESTORE", key, expires_at, payload, "ABSTTL", *(["REPLACE"] if replace else []))
        waiting.setdefault(target.of(key), []).append((key, command))
        size += len(payload)
        if size >= BYTES_AT_ONCE:
            flush()
            size = 0
    flush()
