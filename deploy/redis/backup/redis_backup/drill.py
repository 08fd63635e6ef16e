"""Restores a backup into empty servers, and holds what they then have against what the backup should have."""

from __future__ import annotations

import math
import pathlib
import secrets
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from . import rdb, sample, scratch, snapshot
from .errors import BackupError, DeadlineExceeded
from .manifest import Manifest, ShardRecord
from .resp import Connection, RedisReplyError, information
from .storage import Storage, sha256_of
from .topology import strangers

NAMED = 5
CLOCK_SKEW = timedelta(minutes=5)
LENGTHS_AT_ONCE = 1000


@dataclass
class Phases:
    """Seconds. Recovery is what a restore would take: fetching, checking, loading. The rest is the drill's own work."""

    fetch: float = 0.0
    check: float = 0.0
    load: float = 0.0
    compare: float = 0.0
    recompute: float = 0.0

    @property
    def recovery(self) -> float:
        return self.fetch + self.check + self.load


@dataclass
class Report:
    backup: str | None = None
    created: str | None = None
    age_seconds: float | None = None
    shards: int = 0
    keys: int = 0
    keys_expired: int = 0
    keys_other: int = 0
    bytes: int = 0
    seed: int = 0
    recomputed: list[int] = field(default_factory=list)
    phases: Phases = field(default_factory=Phases)
    total_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict:
        content = asdict(self)
        content["phases"] = {name: round(value, 3) for name, value in content["phases"].items()}
        return content | {"recovery_seconds": round(self.phases.recovery, 3), "passed": self.passed}


@dataclass(frozen=True)
class Options:
    """What to drill with. `max_age` None: any."""

    work: pathlib.Path
    tools: snapshot.Tools
    binary: str
    sample_size: int
    seed: int
    smallest: int
    timeout: float
    max_age: timedelta | None = None


def find(storage: Storage, identifier: str | None) -> tuple[str, datetime]:
    """The named backup, or the newest, and its time."""
    complete, objects = storage.backups()
    if identifier is None:
        if not complete:
            rest = f"; {len(objects)} are incomplete" if objects else ""
            raise BackupError(f"the storage holds no complete backup{rest}")
        identifier = list(complete)[-1]
    if identifier not in complete:
        raise BackupError(f"there is no complete backup {identifier}: `list` names those that there are")
    return identifier, complete[identifier]


def check_age(identifier: str, age: timedelta, max_age: timedelta | None) -> str | None:
    if age < -CLOCK_SKEW:
        return f"the backup {identifier} is from the future, by {-age}: a clock is wrong"
    if max_age is not None and age > max_age:
        return f"the backup {identifier} is {hours(age)} old, and {hours(max_age)} is the most: backups are missing"
    return None


def hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:.1f} h"


def run(storage: Storage, identifier: str | None, options: Options) -> Report:
    """Never raises a BackupError: what is wrong is in the report's failures."""
    begin = time.monotonic()
    report = Report(seed=options.seed)
    try:
        _run(storage, identifier, options, report)
    except (BackupError, DeadlineExceeded, OSError) as error:
        report.failures.append(str(error))
    report.total_seconds = round(time.monotonic() - begin, 3)
    return report


def _run(storage: Storage, identifier: str | None, options: Options, report: Report) -> None:
    identifier, created = find(storage, identifier)
    age = datetime.now(UTC) - created
    report.backup, report.created = identifier, created.isoformat(timespec="seconds")
    report.age_seconds = round(age.total_seconds(), 1)
    if problem := check_age(identifier, age, options.max_age):
        report.failures.append(problem)
    manifest = storage.get_manifest(identifier)
    report.shards, report.keys, report.bytes = len(manifest.shards), manifest.keys, manifest.bytes
    if manifest.keys < options.smallest:
        report.failures.append(f"the backup holds {manifest.keys:,} keys, and {options.smallest:,} is the least")
    computer = sample.Computer(options.binary)
    # It has to be there before an hour of loading.
    computer.compute(10)
    # One shard after the other, in the memory of one; a shard that fails does not hide what the next one has.
    for record in manifest.shards:
        try:
            _shard(storage, manifest, record, options, report, computer)
        except BackupError as error:
            report.failures.append(str(error))
        finally:
            (options.work / record.file).unlink(missing_ok=True)
    if options.sample_size and report.keys and report.keys == report.keys_other:
        report.failures.append("no key is one of the cache's, fib:N: not one value could be computed again")


def download(storage: Storage, identifier: str, record: ShardRecord, path: pathlib.Path) -> None:
    """A shard's snapshot, if it is byte by byte what was stored."""
    storage.get_file(f"{identifier}/{record.file}", path, record.bytes)
    size = path.stat().st_size
    if size != record.bytes:
        raise BackupError(f"{record.file} has {size:,} bytes, and the manifest says {record.bytes:,}: it is truncated")
    with path.open("rb") as data:
        if sha256_of(data) != record.sha256:
            raise BackupError(f"{record.file} is damaged: its SHA-256 is not that of the manifest")


def _shard(
    storage: Storage,
    manifest: Manifest,
    record: ShardRecord,
    options: Options,
    report: Report,
    computer: sample.Computer,
) -> None:
    phases, path = report.phases, options.work / record.file
    begin = time.monotonic()
    download(storage, manifest.id, record, path)
    phases.fetch += time.monotonic() - begin

    begin = time.monotonic()
    snapshot.check(path, record.file, options.tools, options.timeout)
    phases.check += time.monotonic() - begin

    expected = {(entry.database, entry.key): entry.expires_at for entry in rdb.entries(path, record.file)}
    if strange := strangers(record.slots, (key for _, key in expected)):
        names = ", ".join(key.decode(errors="backslashreplace") for key in sorted(strange)[:NAMED])
        report.failures.append(f"{record.file}: {len(strange):,} keys of other slots than {record.slots}: {names}")
    report.keys_other += sum(sample.index_of(key) is None for _, key in expected)
    earliest = min((time for time in expected.values() if time != rdb.NO_EXPIRY), default=None)
    shift = scratch.later_by(earliest, time.time_ns() // 1_000_000)
    examination = Examination(record, expected, options, report, computer, _share(manifest, record, options))
    # As in a disaster: the very file, into an empty server. Keys that have expired since stay away, and are counted.
    with scratch.ScratchServer(path, options.tools.redis_server, options.timeout) as server:
        phases.load += server.seconds
        with server.connect() as connection:
            examination.count(information(connection, "persistence"))
            if shift == 0:
                examination.examine(connection, 0)
    if shift != 0:
        # Some would be missing there, so they are compared on a copy in which all expire later, by the same time.
        later = path.with_suffix(".later")
        try:
            rdb.shift(path, later, shift, record.file)
            with (
                scratch.ScratchServer(later, options.tools.redis_server, options.timeout) as server,
                server.connect() as connection,
            ):
                examination.examine(connection, shift)
        finally:
            later.unlink(missing_ok=True)


def _share(manifest: Manifest, record: ShardRecord, options: Options) -> int:
    """How many values of a shard belong to the sample."""
    if options.sample_size == 0:
        return 0
    return max(1, math.ceil(options.sample_size * record.keys / max(1, manifest.keys)))


@dataclass
class Examination:
    """What is asked of a server that has loaded a shard's snapshot."""

    record: ShardRecord
    expected: dict[tuple[int, bytes], int]
    options: Options
    report: Report
    computer: sample.Computer
    share: int

    def count(self, persistence: dict[str, str]) -> None:
        """Redis' own account of what it loaded, which has to add up."""
        loaded, expired = (int(persistence[f"rdb_last_load_keys_{what}"]) for what in ("loaded", "expired"))
        self.report.keys_expired += expired
        if loaded + expired != self.record.keys:
            said = f"redis-server loaded {loaded:,} keys and found {expired:,} expired"
            self.report.failures.append(f"{self.record.file}: {said}; the manifest says {self.record.keys:,}")

    def examine(self, connection: Connection, shift: int) -> None:
        """Each key and its expiry, the length of each value, and the digits of some."""
        file, report = self.record.file, self.report
        begin = time.monotonic()
        found = scratch.held(connection, shift)
        report.failures += self.record.differences(scratch.inventory(found))
        report.failures += compare(file, self.expected, found)
        indices = [n for (database, key) in found if database == 0 and (n := sample.index_of(key)) is not None]
        connection.call("SELECT", 0)
        report.failures += check_lengths(file, connection, indices)
        report.phases.compare += time.monotonic() - begin
        begin = time.monotonic()
        for n in sample.choose(indices, self.share, self.options.seed):
            stored = connection.call("GET", f"fib:{n}")
            report.recomputed.append(n)
            if wrong := sample.difference(n, stored or b"", self.computer.compute(n)):
                report.failures.append(f"{file}: {wrong}")
        report.phases.recompute += time.monotonic() - begin


def compare(file: str, expected: dict, found: dict) -> list[str]:
    """What a server holds against what stands in the snapshot, key by key. The first few are named."""
    wrong = []
    missing = [key for key in expected if key not in found]
    added = [key for key in found if key not in expected]
    moved = [key for key in expected if key in found and found[key] != expected[key]]
    for keys, what in ((missing, "did not get"), (added, "made up"), (moved, "changed the expiry of")):
        if keys:
            names = ", ".join(key.decode(errors="backslashreplace") for _, key in sorted(keys)[:NAMED])
            more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
            wrong.append(f"{file}: redis-server {what} {names}{more}")
    return wrong


def check_lengths(file: str, connection: Connection, indices: list[int]) -> list[str]:
    """F(n) has as many digits as follow from n: that is quick enough to ask of every value."""
    wrong = []
    for begin in range(0, len(indices), LENGTHS_AT_ONCE):
        batch = indices[begin : begin + LENGTHS_AT_ONCE]
        for n, size in zip(batch, connection.pipeline([("STRLEN", f"fib:{n}") for n in batch]), strict=True):
            if isinstance(size, RedisReplyError):
                wrong.append(f"{file}: fib:{n} is no string")
            elif size != sample.digit_count(n):
                wrong.append(f"{file}: fib:{n} has {size:,} bytes, and F({n}) has {sample.digit_count(n):,} digits")
    rest = len(wrong) - NAMED
    return wrong[:NAMED] + ([f"{file}: {rest:,} more values of a wrong length"] if rest > 0 else [])


def new_seed() -> int:
    return secrets.randbelow(1 << 31)


def text(report: Report) -> str:
    """The report for people."""
    lines = []
    if report.backup:
        age = hours(timedelta(seconds=report.age_seconds))
        lines.append(f"backup      {report.backup}, {age} old: what is newer is lost")
    if report.shards:
        lines.append(f"content     {report.keys:,} keys in {report.shards} shards, {report.bytes / 1e6:,.1f} MB")
        lines.append(f"expired     {report.keys_expired:,} keys have expired since, and are compared as well")
    if report.keys_other:
        lines.append(f"others      {report.keys_other:,} keys are not fib:N: nobody knows what their values should be")
    if report.recomputed:
        extent = f"n = {min(report.recomputed)} to {max(report.recomputed)}"
        lines.append(f"recomputed  {len(report.recomputed):,} values, {extent}, seed {report.seed}")
    phases = report.phases
    parts = f"fetch {phases.fetch:.2f}, check {phases.check:.2f}, load {phases.load:.2f}"
    lines.append(f"recovery    {phases.recovery:.2f} s: {parts}")
    parts = f"compare {phases.compare:.2f}, recompute {phases.recompute:.2f}"
    lines.append(f"drill       {report.total_seconds:.2f} s: {parts}")
    lines += [f"FAILED      {failure}" for failure in report.failures]
    failed = f"the drill FAILED: {len(report.failures)} things are not as they have to be"
    lines.append("the drill passed" if report.passed else failed)
    return "\n".join(lines)


def metrics(report: Report) -> str:
    """The report in Prometheus' text format."""
    values = {
        "redis_restore_drill_success": ("Whether the last drill passed.", int(report.passed)),
        "redis_restore_drill_timestamp_seconds": ("When the last drill ended.", round(time.time())),
        "redis_restore_drill_failures": ("What was not as it has to be.", len(report.failures)),
        "redis_restore_drill_recovery_seconds": ("Fetching, checking and loading.", round(report.phases.recovery, 3)),
        "redis_restore_drill_keys": ("Keys of the backup.", report.keys),
        "redis_restore_drill_bytes": ("Bytes of the backup.", report.bytes),
    }
    if report.age_seconds is not None:
        values["redis_backup_age_seconds"] = ("Age of the backup that was drilled.", report.age_seconds)
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} gauge\n{name} {value}\n" for name, (text, value) in values.items()
    )
