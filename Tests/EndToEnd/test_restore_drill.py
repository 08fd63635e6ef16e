"""The restore drill against real servers: what was backed up comes back, whatever is wrong is found and named."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import oracle
import pytest
from checks import cache_status
from redis_backup import rdb
from redis_backup.manifest import new_identifier
from redis_backups import DRILL, Backups, flip, keys_of
from redis_server import RedisCluster, RedisServer
from service import REPOSITORY, Service, wait_until

VALUES = [*range(1_000, 1_040), 20_000, 45_678, 123_456, 300_000]
LARGEST = max(VALUES)
DAY_MILLISECONDS = 86_400_000
QUICK = ("--sample", "3")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Three shards with a replica each, filled by the service."""
    running = RedisCluster(replicas=1)
    try:
        running.start()
        for node in running.nodes:
            node.cli("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        # No limiter: its keys would change all the time.
        with cached(running) as service:
            for n in VALUES:
                assert service.fib(n).status == 200
        running.nodes[0].cli("-c", "PERSIST", "fib:20000")
        for node in running.nodes:
            wait_until(lambda node=node: is_in_step(node), 20, "the replicas are in step")
        yield running
    finally:
        running.close()


def cached(cluster: RedisCluster) -> Service:
    return Service(REDIS_URL=cluster.nodes[0].url, REDIS_CLUSTER="true", RATE_LIMIT_BUDGET=0, CACHE_TTL_SECONDS=86_400)


def is_in_step(node: RedisServer) -> bool:
    """A replica has what its primary has."""
    fields = node.cli("INFO", "replication")
    return "role:master" in fields or "master_link_status:up" in fields


def primaries(cluster: RedisCluster) -> list[RedisServer]:
    return [node for node in cluster.nodes if "role:master" in node.cli("INFO", "replication")]


def content(cluster: RedisCluster) -> dict[str, tuple[str, int]]:
    """Every key with its value and when it expires."""
    found = {}
    for node in primaries(cluster):
        for key in keys_of(node):
            found[key] = node.cli("GET", key), int(node.cli("PEXPIRETIME", key))
    return found


@pytest.fixture(scope="module")
def base(cluster, tmp_path_factory) -> Backups:
    """A good backup of the cluster. Tests that damage it take a copy."""
    backups = Backups(tmp_path_factory.mktemp("base"))
    backups.backup(cluster.nodes[0])
    return backups


@pytest.fixture
def copy(base, tmp_path) -> Backups:
    return base.copied_to(tmp_path)


@pytest.fixture
def start_redis(start_redis) -> Callable[..., RedisServer]:
    """Starts Redis servers of a test's own, whose snapshots begin at once."""
    return functools.partial(start_redis, "--repl-diskless-sync-delay", "0")


def program(directory: pathlib.Path, text: str) -> str:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


# It passes


def test_a_good_backup_passes_and_all_values_are_what_is_computed(base, cluster, figure):
    report = base.drill("--sample", "1000", "--max-age", "1h")
    keys = content(cluster)
    assert report["keys"] == len(keys) > len(VALUES)
    assert {f"fib:{n}" for n in report["recomputed"]} == set(keys)
    assert report["shards"] == 3 and report["keys_expired"] == 0
    assert report["recovery_seconds"] <= report["total_seconds"]
    seconds = f"recovery {report['recovery_seconds']} s of {report['total_seconds']} s"
    figure(f"restore drill: {report['keys']} keys, {seconds}")


def test_the_sample_holds_the_smallest_and_the_largest_and_can_be_drawn_again(base):
    first = base.drill("--sample", "6", "--seed", "7")
    assert {0, LARGEST} <= set(first["recomputed"])
    assert first["seed"] == 7
    assert base.drill("--sample", "6", "--seed", "7")["recomputed"] == first["recomputed"]
    others = [base.drill("--sample", "6")["seed"] for _ in range(2)]
    assert len({7, *others}) == 3


def test_the_report_for_people_has_the_times_and_the_seed(base):
    output = base.run("restore-drill", "--sample", "3", "--seed", "5")
    assert re.search(r"^recovery +\d+\.\d\d s: fetch \d+\.\d\d, check \d+\.\d\d, load \d+\.\d\d$", output, re.M)
    assert re.search(r"^recomputed +\d+ values, n = 0 to 300000, seed 5$", output, re.M)
    assert output.endswith("the drill passed\n")


def test_a_named_backup_is_drilled(base):
    [name] = base.names()
    assert base.drill("--backup", name, *QUICK)["backup"] == name
    assert "there is no complete backup" in base.failed_drill("--backup", "20200101T000000Z-000000")[0]


def test_keys_that_have_expired_since_are_counted_and_compared_all_the_same(start_redis, tmp_path):
    redis = start_redis()
    for n in range(40):
        redis.cli("SET", f"fib:{n}", oracle.digits(n), "PX", str(DAY_MILLISECONDS * (1 if n % 2 else 10)))
    backups = Backups(tmp_path)
    backups.backup(redis)
    backups.age("shard-0.rdb", 5 * DAY_MILLISECONDS)
    report = backups.drill("--sample", "40")
    assert (report["keys"], report["keys_expired"]) == (40, 20)
    assert report["recomputed"] == list(range(40))

    # What differs is found in those, too.
    backups.seal("shard-0.rdb", expiries_digest="0" * 64)
    assert "but they expire at other times" in backups.failed_drill()[0]


# Damage


def failures_of(backups: Backups, *arguments: str) -> str:
    return "\n".join(backups.failed_drill(*QUICK, *arguments))


def test_a_flipped_bit(copy):
    flip(copy.newest() / "shard-1.rdb", 500)
    assert failures_of(copy) == "shard-1.rdb is damaged: its SHA-256 is not that of the manifest"


def test_a_flipped_bit_that_the_manifest_does_not_know_of(copy):
    """Written so from the start: Redis' own checksum tells."""
    flip(copy.newest() / "shard-1.rdb", copy.shard(1).bytes - 100)
    copy.seal("shard-1.rdb")
    assert "shard-1.rdb is damaged: redis-check-rdb failed" in failures_of(copy)


def test_a_truncated_file(copy):
    path = copy.newest() / "shard-2.rdb"
    path.write_bytes(path.read_bytes()[:-100])
    size = copy.shard(2).bytes
    assert failures_of(copy) == (
        f"shard-2.rdb has {size - 100:,} bytes, and the manifest says {size:,}: it is truncated"
    )


def test_a_file_that_is_too_long(copy):
    with (copy.newest() / "shard-2.rdb").open("ab") as file:
        file.write(b"x")
    assert "should have at most" in failures_of(copy)


def test_a_missing_file(copy):
    (copy.newest() / "shard-0.rdb").unlink()
    assert "shard-0.rdb is not in the storage" in failures_of(copy)


def test_all_that_is_wrong_is_said_at_once(copy):
    (copy.newest() / "shard-0.rdb").unlink()
    flip(copy.newest() / "shard-2.rdb", 500)
    assert len(copy.failed_drill(*QUICK)) == 2


def test_a_missing_shard(copy):
    manifest = copy.manifest()
    copy.write(dataclasses.replace(manifest, shards=manifest.shards[:1] + manifest.shards[2:]))
    assert "lacks a shard: 5,462 of 16,384 slots are in no shard, the first is 5461" in failures_of(copy)


def test_a_missing_key(copy):
    keys = copy.shard().keys
    copy.edit("shard-0.rdb", ("DEL", some_key(copy)))
    said = failures_of(copy)
    assert f"shard-0.rdb: {keys - 1} keys, and the manifest says {keys}" in said
    assert f"redis-server loaded {keys - 1} keys and found 0 expired; the manifest says {keys}" in said


def some_key(backups: Backups) -> str:
    entries = rdb.entries(backups.newest() / "shard-0.rdb", "shard-0")
    return next(entry.key.decode() for entry in entries if entry.expires_at != rdb.NO_EXPIRY)


def test_another_key_in_place_of_one(copy):
    copy.edit("shard-0.rdb", ("RENAME", some_key(copy), "fib:7777777"))
    assert "shard-0.rdb: as many keys as the manifest says, but not the same ones" in failures_of(copy)


def test_a_changed_expiry(copy):
    key = some_key(copy)
    copy.edit("shard-0.rdb", ("PEXPIREAT", key, str(copy.shard().latest_expiry + 1)))
    assert failures_of(copy) == "shard-0.rdb: the same keys as the manifest says, but they expire at other times"


def test_an_expiry_that_is_gone(copy):
    copy.edit("shard-0.rdb", ("PERSIST", some_key(copy)))
    assert "keys that expire, and the manifest says" in failures_of(copy)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (oracle.digits(500)[:-1] + "0", "fib:500 is not F(500): digit 105 of 105 is '0' instead of '5'"),
        ("9" + oracle.digits(500)[1:], "fib:500 is not F(500): digit 1 of 105 is '9' instead of '1'"),
        (oracle.digits(500)[:-1], "fib:500 has 104 bytes, and F(500) has 105 digits"),
        (oracle.digits(500) + "\n", "fib:500 has 106 bytes, and F(500) has 105 digits"),
    ],
    ids=["last-digit", "first-digit", "too-short", "too-long"],
)
def test_a_wrong_value_that_was_in_redis(start_redis, tmp_path, value, said):
    redis = start_redis()
    redis.cli("SET", "fib:10", "55")
    redis.cli("SET", "fib:500", value, "EX", "86400")
    redis.cli("SET", "fib:1000", oracle.digits(1_000), "EX", "86400")
    backups = Backups(tmp_path)
    backups.backup(redis)
    assert said in "\n".join(backups.failed_drill("--sample", "3"))


def test_keys_of_which_none_is_a_value_of_the_cache(start_redis, tmp_path):
    """They may be whole, but nothing shows that they are right."""
    redis = start_redis()
    for key in ("fibonacci:10", "fib:010", "ratelimit:{192.0.2.1}"):
        redis.cli("SET", key, "55", "EX", "86400")
    backups = Backups(tmp_path)
    backups.backup(redis)
    assert backups.failed_drill() == ["no key is one of the cache's, fib:N: not one value could be computed again"]
    redis.cli("SET", "fib:10", "55")
    backups.backup(redis)
    assert backups.drill()["keys_other"] == 3
    assert "others      3 keys are not fib:N" in backups.run("restore-drill")


def test_a_shard_that_was_copied_from_another_ones_server(copy):
    """All that is known of the file fits it, so only the slots tell."""
    first, second, third = copy.manifest().shards
    (copy.newest() / second.file).write_bytes((copy.newest() / first.file).read_bytes())
    wrong = dataclasses.replace(first, file=second.file, slots=second.slots)
    copy.write(dataclasses.replace(copy.manifest(), shards=[first, wrong, third]))
    assert f"shard-1.rdb: {first.keys} keys of other slots than {second.slots}: fib:" in failures_of(copy)


def test_a_manifest_that_was_changed(copy):
    path = copy.newest() / "manifest.json"
    keys = copy.shard().keys
    path.write_text(path.read_text().replace(f'"keys": {keys}', f'"keys": {keys - 1}', 1))
    assert "was changed after it was written: its checksum is wrong" in failures_of(copy)


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"sha256": 1, "version": 1}'])
def test_a_manifest_that_is_none(copy, text):
    (copy.newest() / "manifest.json").write_text(text)
    assert re.search("cannot be read|checksum is wrong", failures_of(copy))


def test_a_manifest_of_another_backup(copy):
    name = new_identifier(datetime.now(UTC) + timedelta(seconds=1))
    copy.newest().rename(copy.directory / name)
    assert f"the manifest of {name} is that of" in failures_of(copy)


def test_a_manifest_whose_paths_lead_elsewhere(copy):
    manifest = copy.manifest()
    outside = dataclasses.replace(manifest.shards[0], file="../../etc/passwd")
    copy.write(dataclasses.replace(manifest, shards=[outside, *manifest.shards[1:]]))
    assert "names the file '../../etc/passwd'" in failures_of(copy)


def test_a_manifest_that_says_other_counts_than_the_file_has(copy):
    copy.seal("shard-0.rdb", keys=copy.shard().keys + 1)
    assert f"the manifest says {copy.shard().keys}" in failures_of(copy)


def test_a_backup_that_is_too_old(copy):
    copy.rename(new_identifier(datetime.now(UTC) - timedelta(hours=27)))
    assert "is 27.0 h old, and 26.0 h is the most: backups are missing" in failures_of(copy, "--max-age", "26h")
    assert copy.drill("--max-age", "28h", *QUICK)["age_seconds"] == pytest.approx(27 * 3600, abs=60)


def test_a_backup_from_the_future(copy):
    copy.rename(new_identifier(datetime.now(UTC) + timedelta(hours=2)))
    assert "is from the future" in failures_of(copy)


def test_a_storage_that_is_empty_or_not_there(tmp_path):
    backups = Backups(tmp_path)
    assert failures_of(backups) == "the storage holds no complete backup"
    (backups.directory / new_identifier(datetime.now(UTC))).mkdir()
    (backups.newest() / "shard-0.rdb").write_text("x")
    assert failures_of(backups) == "the storage holds no complete backup; 1 are incomplete"
    assert "is the volume mounted?" in failures_of(backups, "--storage", "file:///no/such/directory")


def test_a_backup_of_an_emptied_cache(start_redis, tmp_path):
    backups = Backups(tmp_path)
    redis = start_redis()
    assert "was it emptied?" in backups.run("backup", "--redis", redis.url, code=1)
    backups.backup(redis, "--min-keys", "0")
    assert failures_of(backups) == "the backup holds 0 keys, and 1 is the least"


# The means


def test_a_redis_server_that_does_not_start(copy):
    assert "redis-server ended with 1 instead of loading: it said nothing" in failures_of(
        copy, "--redis-server", "/bin/false"
    )
    assert "/no/such/redis-server is not there" in failures_of(copy, "--redis-server", "/no/such/redis-server")


def test_a_redis_server_that_hangs_is_ended(copy, tmp_path):
    hangs = program(tmp_path, f"echo $$ >{tmp_path}/pid\nexec sleep 60")
    assert "not done after 4 s, the longest that it may take" in failures_of(
        copy, "--redis-server", hangs, "--timeout", "4s"
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_drill_that_is_told_to_end_leaves_no_server_behind(base, tmp_path, number):
    other = base.copied_to(tmp_path)
    slow = program(tmp_path, f"[ $2 = 10 ] && echo 55 && exit; echo $$ >{tmp_path}/pid; exec sleep 60")
    process = other.start("restore-drill", "--binary", slow)
    try:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 20, "it computes")
        server = children(process.pid, "redis-server")
        assert len(server) == 1
        process.send_signal(number)
        assert process.wait(20) == 128 + number
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate(timeout=10)
    assert other.leftovers() == []
    for identifier in (*server, int((tmp_path / "pid").read_text())):
        with pytest.raises(ProcessLookupError):
            os.kill(identifier, 0)


def children(parent: int, name: str) -> list[int]:
    """A process's own children of a name."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            command, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            if command == name and int(rest.split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def test_a_binary_that_is_missing_or_fails(copy, tmp_path):
    assert failures_of(copy, "--binary", "/no/such/fibonacci-api") == (
        "/no/such/fibonacci-api is not there: build it, or name it with --binary"
    )
    assert "compute 10 failed with 1" in failures_of(copy, "--binary", "/bin/false")
    wrong = program(tmp_path, "echo 55")
    assert "fib:0 has 1 digits, and F(0) has 2" in failures_of(copy, "--binary", wrong)


def test_the_outcome_is_there_for_prometheus(base, copy, tmp_path):
    path = tmp_path / "drill.prom"
    base.drill(*QUICK, "--metrics", str(path))
    text = path.read_text()
    assert "redis_restore_drill_success 1\n" in text
    assert path.stat().st_mode & 0o777 == 0o644, "node_exporter is another user"
    assert f"redis_restore_drill_keys {base.manifest().keys}\n" in text
    (copy.newest() / "shard-0.rdb").unlink()
    copy.failed_drill("--metrics", str(path))
    assert "redis_restore_drill_success 0\n" in path.read_text()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], stdin=path.open(), capture_output=True, text=True, timeout=30
    )
    assert checked.returncode == 0, checked.stderr


def test_it_is_a_program_that_explains_itself():
    result = subprocess.run([DRILL, "--help"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0
    for option in ("--backup", "--max-age", "--sample", "--seed", "--binary", "--redis-server", "--work-dir", "--json"):
        assert option in result.stdout


# For real


def restore(backups: Backups, server: RedisServer, *arguments: str) -> dict:
    output = backups.run("restore", "--backup", "newest", "--redis", server.url, "--json", *QUICK, *arguments)
    return json.loads(output)


def test_an_emptied_cluster_gets_everything_back(cluster, base, figure):
    before = content(cluster)
    for node in primaries(cluster):
        node.cli("FLUSHALL")
    try:
        outcome = restore(base, cluster.nodes[4])
    finally:
        assert content(cluster) == before
    assert (outcome["restored"], outcome["present"], outcome["expired"]) == (len(before), 0, 0)
    assert outcome["compared"] >= 3
    figure(f"restore into a cluster: {outcome['restored']} keys in {outcome['seconds']} s")
    with cached(cluster) as service:
        assert cache_status(service.fib(LARGEST)) == {"hit": True, "detail": "redis"}

    again = restore(base, cluster.nodes[0])
    assert (again["restored"], again["present"]) == (0, len(before))
    primary = next(node for node in primaries(cluster) if f"fib:{LARGEST}" in keys_of(node))
    primary.cli("SET", f"fib:{LARGEST}", "1", "KEEPTTL")
    assert restore(base, cluster.nodes[0])["restored"] == 0
    assert primary.cli("GET", f"fib:{LARGEST}") == "1"
    assert restore(base, cluster.nodes[0], "--replace")["restored"] == len(before)
    assert content(cluster) == before


def test_other_shards_than_the_backup_had_are_no_obstacle(base, start_redis):
    redis = start_redis()
    keys = base.manifest().keys
    assert restore(base, redis)["restored"] == keys == int(redis.cli("DBSIZE"))
    assert redis.cli("GET", "fib:300000") == oracle.digits(300_000)
    assert redis.cli("TTL", "fib:20000") == "-1"


def test_expired_keys_come_back_only_with_a_new_expiry(start_redis, tmp_path):
    source = start_redis()
    source.cli("SET", "fib:90", oracle.digits(90), "PX", str(DAY_MILLISECONDS))
    source.cli("SET", "fib:91", oracle.digits(91), "PX", str(10 * DAY_MILLISECONDS))
    source.cli("SET", "fib:92", oracle.digits(92))
    backups = Backups(tmp_path)
    backups.backup(source)
    backups.age("shard-0.rdb", 5 * DAY_MILLISECONDS)
    redis = start_redis()
    outcome = restore(backups, redis)
    assert (outcome["restored"], outcome["expired"]) == (2, 1)
    expected = int(source.cli("PEXPIRETIME", "fib:91")) - 5 * DAY_MILLISECONDS
    assert int(redis.cli("PEXPIRETIME", "fib:91")) == expected
    redis.cli("FLUSHALL")
    outcome = restore(backups, redis, "--expire-after", "2h")
    assert (outcome["restored"], outcome["expired"]) == (3, 0)
    for key, least, most in (("fib:90", 7000, 7200), ("fib:91", 7000, 7200), ("fib:92", -1, -1)):
        assert least <= int(redis.cli("TTL", key)) <= most


def test_a_damaged_backup_is_not_restored(copy, start_redis):
    redis = start_redis()
    flip(copy.newest() / "shard-0.rdb", 500)
    assert "is damaged" in copy.run("restore", "--backup", "newest", "--redis", redis.url, code=1)
    assert redis.cli("DBSIZE") == "0"


def test_a_wrong_value_is_not_restored(start_redis, tmp_path):
    redis = start_redis()
    redis.cli("SET", "fib:500", "9" + oracle.digits(500)[1:], "EX", "86400")
    backups = Backups(tmp_path)
    backups.backup(redis)
    redis.cli("FLUSHALL")
    said = backups.run("restore", "--backup", "newest", "--redis", redis.url, code=1)
    assert "fib:500 is not F(500)" in said and "Nothing of this shard was restored" in said
    assert redis.cli("DBSIZE") == "0"


def test_restoring_needs_few_rights(base, start_redis, tmp_path):
    redis = start_redis()
    rights = ("~fib:*", "resetchannels", "-@all", "+auth", "+ping", "+info", "+cluster|nodes", "+restore")
    redis.cli("ACL", "SETUSER", "restore", "on", ">secret", *rights)
    (tmp_path / "password").write_text("secret")
    address = redis.url.replace("://", "://restore@")
    arguments = ("--backup", "newest", "--redis", address, "--password-file", str(tmp_path / "password"))
    base.run("restore", *arguments, *QUICK)
    assert int(redis.cli("DBSIZE")) == base.manifest().keys


def test_a_redis_that_refuses_is_said(base, start_redis):
    redis = start_redis("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
    output = base.run("restore", "--backup", "newest", "--redis", redis.url, code=1)
    assert "was not restored" in output and "OOM" in output


def test_the_demonstration_of_the_makefile_passes():
    result = subprocess.run(
        [str(REPOSITORY / "Scripts" / "restore-drill-demo"), "--values", "300"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the drill passed" in result.stdout and "recovery" in result.stdout
