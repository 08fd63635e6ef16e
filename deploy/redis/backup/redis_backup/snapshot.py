"""Takes the snapshot of one shard, and does not believe it before it has been read."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from dataclasses import dataclass

from . import rdb
from .errors import BackupError
from .manifest import ShardRecord
from .resp import Endpoint
from .storage import sha256_of
from .topology import Shard, best_source, strangers


@dataclass(frozen=True)
class Tools:
    """Redis' own programs."""

    redis_cli: str = "redis-cli"
    redis_check_rdb: str = "redis-check-rdb"
    redis_server: str = "redis-server"


def run(command: list[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    """What a program prints, if it succeeds in time."""
    name = pathlib.Path(command[0]).name
    try:
        result = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except FileNotFoundError:
        raise BackupError(
            f"{command[0]} is not there: it comes with Redis (Debian: redis-tools, redis-server)"
        ) from None
    except OSError as error:
        raise BackupError(f"{command[0]} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BackupError(f"{name} was not done after {timeout:g} s") from None
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines()
        raise BackupError(
            f"{name} failed with exit code {result.returncode}: {lines[-1] if lines else 'it said nothing'}"
        )
    return result.stdout


def check(path: pathlib.Path, name: str, tools: Tools, timeout: float) -> None:
    """Redis' own checker reads every value, and compares the checksum at the end."""
    try:
        output = run([tools.redis_check_rdb, str(path)], timeout)
    except BackupError as error:
        raise BackupError(f"{name} is damaged: {error}") from None
    if "Checksum OK" not in output:
        raise BackupError(f"{name} has no checksum: set `rdbchecksum yes` on the server")


def fetch(endpoint: Endpoint, path: pathlib.Path, tools: Tools, timeout: float) -> None:
    """Copies a server's data as a replica would. The password goes through the environment, not the arguments."""
    command = [tools.redis_cli, "-h", endpoint.host, "-p", str(endpoint.port)]
    environment = {name: value for name, value in os.environ.items() if name != "REDISCLI_AUTH"}
    if endpoint.is_tls:
        command += ["--tls", "--sni", endpoint.server_name or endpoint.host]
        command += ["--cacert", str(endpoint.ca_file)] if endpoint.ca_file else []
        if endpoint.certificate_file:
            command += ["--cert", str(endpoint.certificate_file), "--key", str(endpoint.key_file)]
    if endpoint.user:
        command += ["--user", endpoint.user]
    password = endpoint.password()
    if password is not None:
        environment["REDISCLI_AUTH"] = password
    run([*command, "--rdb", str(path)], timeout, environment)


def take(shard: Shard, file: str, directory: pathlib.Path, tools: Tools, timeout: float) -> ShardRecord:
    """A checked snapshot in `directory`/`file`, and what it holds."""
    begin = time.monotonic()
    source, role, version = best_source(shard)
    path = directory / file
    try:
        fetch(source, path, tools, timeout)
    except BackupError as error:
        raise BackupError(f"no snapshot of {source} ({role}): {error}") from None
    check(path, file, tools, timeout)
    found = rdb.inventory(path, file)
    # A server may have come to another shard since it was named as one of this.
    if strange := strangers(shard.slots, (entry.key for entry in rdb.entries(path, file))):
        raise BackupError(f"{source} ({role}) has {len(strange):,} keys of other slots than {shard.slots}: try again")
    with path.open("rb") as data:
        sha256 = sha256_of(data)
    return ShardRecord(
        file=file,
        slots=shard.slots,
        taken_from=str(source),
        role=role,
        redis_version=version,
        seconds=round(time.monotonic() - begin, 3),
        keys=found.keys,
        keys_with_expiry=found.keys_with_expiry,
        earliest_expiry=found.earliest_expiry,
        latest_expiry=found.latest_expiry,
        keys_digest=found.keys_digest,
        expiries_digest=found.expiries_digest,
        bytes=path.stat().st_size,
        sha256=sha256,
    )
