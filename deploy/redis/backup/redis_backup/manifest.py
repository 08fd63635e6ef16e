"""What is known of a backup: written last, so that a backup without a manifest is none."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta

from .errors import BackupError
from .rdb import Inventory
from .topology import uncovered

NAME = "manifest.json"
VERSION = 1
LARGEST = 1 << 20
IDENTIFIER = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{3})[0-9a-f]{3}")
SHARD_FILE = re.compile(r"shard-\d{1,4}\.rdb")
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
# What three hexadecimal digits count.
PARTS_OF_A_SECOND = 4096


@dataclass(frozen=True)
class ShardRecord:
    """One shard's snapshot. Times of expiry are ms since 1970; the digests are those of `rdb.Inventory`."""

    file: str
    slots: str
    taken_from: str
    role: str
    redis_version: str
    seconds: float
    keys: int
    keys_with_expiry: int
    earliest_expiry: int | None
    latest_expiry: int | None
    keys_digest: str
    expiries_digest: str
    bytes: int
    sha256: str

    def differences(self, found: Inventory) -> list[str]:
        """What of an inventory is not as recorded, in words."""
        wrong = []
        if found.keys != self.keys:
            wrong.append(f"{self.file}: {found.keys:,} keys, and the manifest says {self.keys:,}")
        if found.keys_with_expiry != self.keys_with_expiry:
            said = f"the manifest says {self.keys_with_expiry:,}"
            wrong.append(f"{self.file}: {found.keys_with_expiry:,} keys that expire, and {said}")
        if wrong:
            return wrong
        if found.keys_digest != self.keys_digest:
            wrong.append(f"{self.file}: as many keys as the manifest says, but not the same ones")
        elif found.expiries_digest != self.expiries_digest:
            wrong.append(f"{self.file}: the same keys as the manifest says, but they expire at other times")
        return wrong


@dataclass(frozen=True)
class Manifest:
    id: str
    created: str
    is_cluster: bool
    shards: list[ShardRecord]
    version: int = VERSION

    @property
    def keys(self) -> int:
        return sum(shard.keys for shard in self.shards)

    @property
    def bytes(self) -> int:
        return sum(shard.bytes for shard in self.shards)

    def encoded(self) -> bytes:
        content = asdict(self)
        return json.dumps(content | {"sha256": _digest(content)}, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def decoded(cls, data: bytes, identifier: str) -> Manifest:
        """Reads a manifest, and refuses one that is not exactly as it was written."""
        try:
            content = json.loads(data)
            digest = content.pop("sha256")
            if digest != _digest(content):
                raise BackupError(
                    f"the manifest of {identifier} was changed after it was written: its checksum is wrong"
                )
            if content["version"] != VERSION:
                raise BackupError(
                    f"the manifest of {identifier} has version {content['version']}, this program reads {VERSION}"
                )
            names = {field.name for field in fields(ShardRecord)}
            if any(set(shard) != names for shard in content["shards"]):
                raise KeyError("a shard's members")
            content["shards"] = [ShardRecord(**shard) for shard in content["shards"]]
            manifest = cls(**content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError(f"the manifest of {identifier} cannot be read: {error}") from None
        manifest._check(identifier)
        return manifest

    def _check(self, identifier: str) -> None:
        if self.id != identifier:
            raise BackupError(f"the manifest of {identifier} is that of {self.id}")
        if not self.shards:
            raise BackupError(f"the manifest of {identifier} names no shard")
        for shard in self.shards:
            # Names become paths.
            if not SHARD_FILE.fullmatch(shard.file):
                raise BackupError(f"the manifest of {identifier} names the file {shard.file!r}")
        if len({shard.file for shard in self.shards}) != len(self.shards):
            raise BackupError(f"the manifest of {identifier} names a file twice")
        problem = uncovered([shard.slots for shard in self.shards]) if self.is_cluster else None
        if problem:
            raise BackupError(f"the manifest of {identifier} lacks a shard: {problem}")


def _digest(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def new_identifier(now: datetime) -> str:
    """Names that sort by time, also within a second, and that two backups do not share."""
    part = now.microsecond * PARTS_OF_A_SECOND // 1_000_000
    return f"{now.astimezone(UTC).strftime(TIME_FORMAT)}-{part:03x}{secrets.randbelow(4096):03x}"


def time_of(identifier: str) -> datetime | None:
    """When a backup began, from its name; None for what is no backup's name."""
    match = IDENTIFIER.fullmatch(identifier)
    if not match:
        return None
    try:
        second = datetime.strptime(match.group(1), TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(microseconds=int(match.group(2), 16) * 1_000_000 // PARTS_OF_A_SECOND)
