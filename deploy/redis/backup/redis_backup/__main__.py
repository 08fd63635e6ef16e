"""The commands: backup, list, restore-drill, restore. Settings are options, or variables of the environment."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from . import backup, drill, resp, restore, retention, sample, snapshot
from .errors import BackupError, DeadlineExceeded
from .storage import open_storage

EXIT_FAILED = 1
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """`90s`, `30m`, `26h`, `2d` → seconds."""
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if not match or int(match.group(1)) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: a number and s, m, h or d, such as 26h")
    return int(match.group(1)) * UNITS[match.group(2)]


def at_least(least: int):
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return int(text)

    return number


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="redis-backup", description="Backups of the cache's Redis, and proof that they restore."
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add, text in (
        ("backup", add_backup, "Make a backup of all shards, then delete what retention lets go."),
        ("list", lambda _: None, "List the complete backups, oldest first."),
        (
            "restore-drill",
            add_drill,
            "Restore a backup into empty servers of its own and compare keys, expiry times and values. "
            "Exit 0: all is the same; 1: something differs, and it says what.",
        ),
        ("restore", add_restore, "Put a backup back into a running Redis, standalone or cluster."),
    ):
        command = commands.add_parser(name, help=text, description=text)
        add(command)
        add_common(command)
    return whole


def variable(name: str, default: str | None = None) -> dict:
    """An option that an environment variable may give."""
    value = os.environ.get(name) or default
    return {"default": value, "required": value is None}


def add_common(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--storage",
        **variable("BACKUP_STORAGE"),
        metavar="URL",
        help="file:///DIRECTORY or s3://BUCKET/PREFIX (BACKUP_STORAGE)",
    )
    to.add_argument(
        "--s3-endpoint",
        default=os.environ.get("BACKUP_S3_ENDPOINT") or None,
        metavar="URL",
        help="of a storage that is not Amazon's (BACKUP_S3_ENDPOINT)",
    )
    to.add_argument(
        "--work-dir",
        default=os.environ.get("BACKUP_WORK_DIR"),
        type=pathlib.Path,
        help="room for the largest shard twice (BACKUP_WORK_DIR; default: a temporary directory)",
    )
    to.add_argument(
        "--timeout", type=duration, default=duration("30m"), metavar="TIME", help="the longest that all may take (30m)"
    )
    to.add_argument("--redis-cli", default="redis-cli", metavar="PATH")
    to.add_argument("--redis-check-rdb", default="redis-check-rdb", metavar="PATH")
    to.add_argument("--redis-server", default="redis-server", metavar="PATH")
    to.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_redis(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--redis",
        **variable("REDIS_URL"),
        metavar="URL",
        help="redis[s]://[USER@]HOST[:PORT], any server of a cluster (REDIS_URL)",
    )
    for option, name, text in (
        ("--password-file", "REDIS_PASSWORD_FILE", "the user's password"),
        ("--ca-file", "REDIS_CA_FILE", "who signs Redis' certificates"),
        ("--certificate-file", "REDIS_CLIENT_CERTIFICATE_FILE", "the client's certificate, where Redis asks for one"),
        ("--key-file", "REDIS_CLIENT_KEY_FILE", "and its key"),
    ):
        to.add_argument(
            option, type=pathlib.Path, default=os.environ.get(name) or None, metavar="FILE", help=f"{text} ({name})"
        )
    to.add_argument(
        "--server-name",
        default=os.environ.get("REDIS_TLS_SERVER_NAME") or None,
        metavar="NAME",
        help="the name that certificates have, where it is not the host's (REDIS_TLS_SERVER_NAME)",
    )


def add_sample(to: argparse.ArgumentParser, size: int) -> None:
    to.add_argument(
        "--sample",
        type=at_least(0),
        default=size,
        metavar="N",
        help=f"values to compute again, beside the smallest and the largest n ({size})",
    )
    to.add_argument(
        "--seed",
        type=at_least(0),
        default=None,
        help="of the sample, to draw the same again (default: by chance, and printed)",
    )
    to.add_argument(
        "--binary",
        default=os.environ.get("FIBONACCI_API_BINARY") or "fibonacci-api",
        metavar="PATH",
        help="fibonacci-api (FIBONACCI_API_BINARY)",
    )


def add_backup(to: argparse.ArgumentParser) -> None:
    add_redis(to)
    to.add_argument(
        "--daily",
        type=at_least(1),
        default=retention.DAILY,
        metavar="N",
        help=f"days of which the newest is kept ({retention.DAILY})",
    )
    to.add_argument(
        "--weekly",
        type=at_least(0),
        default=retention.WEEKLY,
        metavar="N",
        help=f"ISO weeks of which the newest is kept ({retention.WEEKLY})",
    )
    to.add_argument("--min-keys", type=at_least(0), default=1, metavar="N", help="fewer are no backup (1)")


def add_drill(to: argparse.ArgumentParser) -> None:
    to.add_argument("--backup", metavar="NAME", help="which (default: the newest)")
    to.add_argument("--max-age", type=duration, default=None, metavar="TIME", help="fail if it is older, such as 26h")
    to.add_argument("--min-keys", type=at_least(0), default=1, metavar="N", help="fail if it holds fewer (1)")
    add_sample(to, 100)
    to.add_argument(
        "--metrics", type=pathlib.Path, metavar="FILE", help="write the outcome for node_exporter's textfile collector"
    )


def add_restore(to: argparse.ArgumentParser) -> None:
    add_redis(to)
    to.add_argument("--backup", required=True, metavar="NAME", help="which, or `newest`")
    to.add_argument(
        "--expire-after",
        type=duration,
        default=None,
        metavar="TIME",
        help="let all keys that expire do so this long from now, also expired ones (default: when they would have)",
    )
    to.add_argument("--replace", action="store_true", help="overwrite keys that are there (default: leave them)")
    add_sample(to, 20)


def endpoint_of(options: argparse.Namespace) -> resp.Endpoint:
    return resp.parse_url(
        options.redis,
        password_file=options.password_file,
        ca_file=options.ca_file,
        certificate_file=options.certificate_file,
        key_file=options.key_file,
        server_name=options.server_name,
    )


def tools_of(options: argparse.Namespace) -> snapshot.Tools:
    return snapshot.Tools(options.redis_cli, options.redis_check_rdb, options.redis_server)


def run_backup(options: argparse.Namespace, work: pathlib.Path) -> int:
    storage = open_storage(options.storage, options.s3_endpoint)
    result = backup.make_and_prune(
        endpoint_of(options),
        storage,
        work,
        tools_of(options),
        timeout=options.timeout,
        smallest=options.min_keys,
        daily=options.daily,
        weekly=options.weekly,
    )
    made = result.manifest
    if options.json:
        content = {"backup": made.id, "keys": made.keys, "bytes": made.bytes, "seconds": result.seconds}
        print(
            json.dumps(
                content
                | {"shards": [asdict(shard) for shard in made.shards], "deleted": result.deleted, "kept": result.kept}
            )
        )
        return 0
    for shard in made.shards:
        slots = f"slots {shard.slots}, " if shard.slots else ""
        print(
            f"{shard.file}: {slots}{shard.keys:,} keys, {shard.bytes:,} bytes, from {shard.taken_from} ({shard.role})"
        )
    print(f"backup {made.id}: {made.keys:,} keys, {made.bytes / 1e6:,.1f} MB, {result.seconds:.2f} s")
    print(f"kept {len(result.kept)}, deleted {len(result.deleted)}", *result.deleted)
    return 0


def run_list(options: argparse.Namespace, _: pathlib.Path) -> int:
    complete, objects = open_storage(options.storage, options.s3_endpoint).backups()
    if options.json:
        print(json.dumps({"complete": list(complete), "incomplete": sorted(set(objects) - set(complete))}))
        return 0
    for identifier in sorted(objects):
        print(identifier if identifier in complete else f"{identifier} incomplete")
    return 0


def run_drill(options: argparse.Namespace, work: pathlib.Path) -> int:
    seed = options.seed if options.seed is not None else drill.new_seed()
    settings = drill.Options(
        work=work,
        tools=tools_of(options),
        binary=options.binary,
        sample_size=options.sample,
        seed=seed,
        smallest=options.min_keys,
        timeout=options.timeout,
        max_age=timedelta(seconds=options.max_age) if options.max_age else None,
    )
    try:
        report = drill.run(open_storage(options.storage, options.s3_endpoint), options.backup, settings)
    except BackupError as error:
        report = drill.Report(seed=seed, failures=[str(error)])
    print(json.dumps(report.as_dict()) if options.json else drill.text(report))
    if options.metrics:
        write_whole(options.metrics, drill.metrics(report))
    return 0 if report.passed else EXIT_FAILED


def run_restore(options: argparse.Namespace, work: pathlib.Path) -> int:
    storage = open_storage(options.storage, options.s3_endpoint)
    identifier, _ = drill.find(storage, None if options.backup == "newest" else options.backup)
    seed = options.seed if options.seed is not None else drill.new_seed()
    outcome = restore.run(
        storage,
        identifier,
        endpoint_of(options),
        work,
        tools_of(options),
        sample.Computer(options.binary),
        expire_after=int(options.expire_after) if options.expire_after else None,
        replace=options.replace,
        sample_size=options.sample,
        seed=seed,
        timeout=options.timeout,
    )
    if options.json:
        print(json.dumps({"backup": identifier, "seed": seed} | asdict(outcome)))
        return 0
    print(f"restored {outcome.restored:,} keys of {identifier} in {outcome.seconds:.2f} s")
    print(f"left {outcome.present:,} that were there, and {outcome.expired:,} that have expired")
    print(f"recomputed {outcome.compared:,} values before (seed {seed}): all are as computed")
    return 0


def write_whole(path: pathlib.Path, text: str) -> None:
    """A reader sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text)
        # The collector is another user, and nothing in it is secret.
        partial.chmod(0o644)
        partial.rename(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Ends what takes longer, and what is told to end, in the way that cleans up."""

    def too_late(*_) -> None:
        raise DeadlineExceeded(f"not done after {seconds:g} s, the longest that it may take (--timeout)")

    def told_to_end(number: int, _) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGALRM, too_late)
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Whoever started this under nohup wants it to go on.
        if signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, told_to_end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    run = {"backup": run_backup, "list": run_list, "restore-drill": run_drill, "restore": run_restore}[options.command]
    os.umask(0o077)
    try:
        with (
            bounded(options.timeout),
            tempfile.TemporaryDirectory(prefix="redis-backup-", dir=options.work_dir) as work,
        ):
            return run(options, pathlib.Path(work))
    except (BackupError, DeadlineExceeded, OSError) as error:
        print(f"redis-backup: {options.command} failed: {error}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
