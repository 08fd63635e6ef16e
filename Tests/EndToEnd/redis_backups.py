"""Runs the commands of deploy/redis/backup as their jobs do, in directories of its own; damages what they store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

from redis_backup import rdb
from redis_backup.manifest import Manifest, ShardRecord
from redis_server import RedisServer, require
from service import REPOSITORY, binary_path

REDIS = REPOSITORY / "deploy" / "redis"
PACKAGE = REDIS / "backup"
DRILL = REDIS / "restore-drill"
COMMAND_SECONDS = 120
# The reflected polynomial of the CRC-64 at the end of a snapshot.
POLYNOMIAL = 0x95AC9329AC4BC9B5


class Backups:
    """A storage, and commands on it. After each of them nothing of its own may be left in the work directories."""

    def __init__(self, root: pathlib.Path, storage: str | None = None, **environment: str):
        self.root = root
        self.directory, self.work, self.temporary = (root / name for name in ("storage", "work", "tmp"))
        for directory in (self.directory, self.work, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)
        self.storage = storage or self.directory.as_uri()
        self.environment = environment

    def command(self, *arguments: str) -> list[str]:
        if arguments[0] == "restore-drill":
            return [sys.executable, str(DRILL), *arguments[1:]]
        return [sys.executable, "-m", "redis_backup", *arguments]

    @property
    def variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "AWS_", "BACKUP_"))}
        own = {
            "PYTHONPATH": str(PACKAGE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.temporary),
            "FIBONACCI_API_BINARY": str(binary_path()),
            "BACKUP_STORAGE": self.storage,
            "BACKUP_WORK_DIR": str(self.work),
        }
        return kept | own | self.environment

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        require("redis-check-rdb", "redis-tools")
        return subprocess.Popen(
            self.command(*arguments),
            env=self.variables | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What a command prints, on both streams; its exit code has to be `code`."""
        process = self.start(*arguments, **environment)
        try:
            output, errors = process.communicate(timeout=COMMAND_SECONDS)
        finally:
            process.kill()
            process.wait(10)
        assert process.returncode == code, (process.returncode, output, errors)
        assert "Traceback" not in errors, errors
        assert self.leftovers() == []
        return output + errors

    def leftovers(self) -> list[str]:
        return sorted(str(path) for directory in (self.work, self.temporary) for path in directory.iterdir())

    def backup(self, server: RedisServer, *arguments: str, **environment: str) -> dict:
        return json.loads(self.run("backup", "--redis", server.url, "--json", *arguments, **environment))

    def drill(self, *arguments: str) -> dict:
        """The report of a drill that passes."""
        report = json.loads(self.run("restore-drill", "--json", *arguments))
        assert report["passed"] and report["failures"] == []
        return report

    def failed_drill(self, *arguments: str) -> list[str]:
        """What a drill says that does not pass."""
        report = json.loads(self.run("restore-drill", "--json", *arguments, code=1))
        assert not report["passed"] and report["failures"]
        return report["failures"]

    def names(self) -> list[str]:
        return json.loads(self.run("list", "--json"))["complete"]

    def copied_to(self, root: pathlib.Path) -> Backups:
        """The same backups in a storage that may be damaged."""
        other = Backups(root, **self.environment)
        shutil.copytree(self.directory, other.directory, dirs_exist_ok=True)
        return other

    def newest(self) -> pathlib.Path:
        return max(self.directory.iterdir())

    def manifest(self) -> Manifest:
        newest = self.newest()
        return Manifest.decoded((newest / "manifest.json").read_bytes(), newest.name)

    def write(self, manifest: Manifest) -> None:
        """Puts a manifest in place of the newest's, with a checksum that fits: who writes it could compute that."""
        (self.newest() / "manifest.json").write_bytes(manifest.encoded())

    def seal(self, file: str, **changes) -> None:
        """Makes the manifest say of a shard's file what is true of its bytes now, and `changes`."""
        data = (self.newest() / file).read_bytes()
        changes = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} | changes
        manifest = self.manifest()
        shards = [dataclasses.replace(shard, **changes) if shard.file == file else shard for shard in manifest.shards]
        self.write(dataclasses.replace(manifest, shards=shards))

    def shard(self, number: int = 0) -> ShardRecord:
        return self.manifest().shards[number]

    def rename(self, name: str) -> None:
        """Gives the newest backup another name, and so another time."""
        manifest = self.manifest()
        self.newest().rename(self.directory / name)
        (self.directory / name / "manifest.json").write_bytes(dataclasses.replace(manifest, id=name).encoded())

    def age(self, file: str, milliseconds: int) -> None:
        """Makes a backup's keys expire so much earlier, as if it were older. Checksum and manifest fit again."""
        path = self.newest() / file
        aged = path.with_suffix(".aged")
        rdb.shift(path, aged, -milliseconds, file)
        data = aged.read_bytes()[:-8]
        path.write_bytes(data + crc64(data).to_bytes(8, "little"))
        aged.unlink()
        found = rdb.inventory(path, file)
        expiries = {"earliest_expiry": found.earliest_expiry, "latest_expiry": found.latest_expiry}
        self.seal(file, **expiries, expiries_digest=found.expiries_digest)

    def edit(self, file: str, *commands: tuple[str, ...]) -> None:
        """Has a real Redis load a shard's snapshot, change it, and write it again, with a checksum that fits."""
        path = self.newest() / file
        server = RedisServer()
        shutil.copy(path, server.directory.name + "/dump.rdb")
        try:
            server.start()
            for words in commands:
                assert "ERR" not in server.cli(*words)
            assert server.cli("SAVE") == "OK"
            shutil.copy(server.directory.name + "/dump.rdb", path)
        finally:
            server.close()
        self.seal(file)


def crc64(data: bytes) -> int:
    """Redis' checksum."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    checksum = 0
    for byte in data:
        checksum = table[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    return checksum


def flip(path: pathlib.Path, offset: int) -> None:
    """Changes one bit."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def keys_of(server: RedisServer) -> set[str]:
    return set(server.cli("KEYS", "fib:*").split())
