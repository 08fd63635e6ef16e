"""Makes a backup of all shards, and only then lets go of old ones."""

from __future__ import annotations

import pathlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from . import manifest, snapshot
from .errors import BackupError
from .manifest import Manifest
from .resp import Endpoint
from .retention import expendable
from .storage import Storage
from .topology import discover

# What is incomplete after this time is no backup in the making.
ABANDONED = timedelta(days=1)


@dataclass
class Result:
    manifest: Manifest
    seconds: float
    deleted: list[str]
    kept: list[str]


def make(
    endpoint: Endpoint, storage: Storage, work: pathlib.Path, tools: snapshot.Tools, timeout: float, smallest: int
) -> Manifest:
    """Takes and stores a snapshot of each shard, and the manifest after them. Deletes nothing."""
    now = datetime.now(UTC)
    identifier = manifest.new_identifier(now)
    topology = discover(endpoint)
    records = []
    for number, shard in enumerate(topology.shards):
        file = f"shard-{number}.rdb"
        record = snapshot.take(shard, file, work, tools, timeout)
        storage.put_file(f"{identifier}/{file}", work / file, record.sha256)
        # One at a time: the volume for it has to hold the largest shard, not all.
        (work / file).unlink()
        records.append(record)
    if discover(endpoint).layout() != topology.layout():
        raise BackupError("shards or their primaries changed during the backup: it may lack keys, make another")
    made = Manifest(identifier, now.isoformat(timespec="seconds"), topology.is_cluster, records)
    if made.keys < smallest:
        raise BackupError(
            f"Redis holds {made.keys:,} keys, and {smallest:,} is the least that is worth a backup: was it emptied?"
        )
    storage.put_bytes(f"{identifier}/{manifest.NAME}", made.encoded())
    # Read as a restore would.
    if storage.get_manifest(identifier) != made:
        raise BackupError(f"the manifest of {identifier} was not stored as it was written")
    return made


def prune(storage: Storage, newest: str, daily: int, weekly: int) -> tuple[list[str], list[str]]:
    """Deletes what retention lets go once `newest` is made, and what was abandoned. Returns names deleted and kept."""
    complete, objects = storage.backups()
    if newest not in complete:
        raise BackupError(f"{newest} is not among the backups that the storage lists: nothing is deleted")
    old = set(expendable(complete.values(), daily, weekly))
    deleted = [identifier for identifier, when in complete.items() if when in old and identifier != newest]
    limit = complete[newest] - ABANDONED
    deleted += sorted(
        identifier for identifier in objects if identifier not in complete and manifest.time_of(identifier) < limit
    )
    for identifier in deleted:
        storage.delete_backup(objects[identifier])
    return deleted, [identifier for identifier in complete if identifier not in deleted]


def make_and_prune(
    endpoint: Endpoint,
    storage: Storage,
    work: pathlib.Path,
    tools: snapshot.Tools,
    *,
    timeout: float,
    smallest: int,
    daily: int,
    weekly: int,
) -> Result:
    begin = time.monotonic()
    made = make(endpoint, storage, work, tools, timeout, smallest)
    seconds = round(time.monotonic() - begin, 3)
    deleted, kept = prune(storage, made.id, daily, weekly)
    return Result(made, seconds, deleted, kept)
