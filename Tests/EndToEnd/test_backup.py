"""Backups of Redis: how they are taken and stored, and that a failure costs nothing that there was."""

import contextlib
import functools
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import oracle
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from redis_backup import rdb, sample, snapshot, topology
from redis_backup.__main__ import parser
from redis_backup.errors import BackupError
from redis_backup.manifest import new_identifier, time_of
from redis_backup.retention import kept
from redis_backup.storage import DirectoryStorage, open_storage
from redis_backups import PACKAGE, Backups
from redis_server import RedisCluster, RedisServer, make_certificates, require
from service import free_ports, wait_until

PASSWORD = "correct horse/battery@staple"
NO_DELAY = ("--repl-diskless-sync-delay", "0")
# What the backup's user may: copy everything, change nothing.
BACKUP_USER = (
    *("~fib:*", "resetchannels", "-@all"),
    *("+auth", "+ping", "+info", "+cluster|nodes", "+sync", "+psync", "+replconf"),
)

# The format


@pytest.fixture
def start_redis(start_redis) -> Callable[..., RedisServer]:
    """Starts Redis servers of a test's own, whose snapshots begin at once."""
    return functools.partial(start_redis, *NO_DELAY)


@pytest.fixture
def backups(tmp_path) -> Backups:
    return Backups(tmp_path)


def fill(server: RedisServer, count: int = 50) -> None:
    for n in range(count):
        server.cli("SET", f"fib:{n}", oracle.digits(n), "EX", "86400")


def test_the_reader_finds_what_redis_wrote(start_redis, tmp_path):
    """Integers, compressed text, other databases, other types: every form that such data take."""
    redis = start_redis()
    redis.cli("SET", "fib:90", oracle.digits(90), "PX", "86400123")
    redis.cli("SET", "fib:5", "5")
    redis.cli("SET", "12", "short key", "EX", "1000")
    redis.cli("SET", "-70000", "x")
    redis.cli("SET", "abc" * 50, "a compressed key")
    redis.cli("SET", "k" * 70, "y" * 20_000)
    redis.cli("-n", "3", "SET", "elsewhere", "z", "EX", "50000")
    redis.cli("RPUSH", "list", "a", "b")
    redis.cli("SADD", "numbers", "1", "2")
    redis.cli("SADD", "words", "a", "b")
    redis.cli("ZADD", "scored", "1.5", "a" * 100)
    redis.cli("HSET", "hash", "field", "v" * 100)
    redis.cli("EXPIRE", "hash", "5000")
    redis.cli("--rdb", str(tmp_path / "dump.rdb"))
    expected = set()
    for database in (0, 3):
        for key in redis.cli("-n", str(database), "KEYS", "*").splitlines():
            expires_at = int(redis.cli("-n", str(database), "PEXPIRETIME", key))
            expected.add(rdb.Entry(database, key.encode(), expires_at))
    assert set(rdb.entries(tmp_path / "dump.rdb", "dump")) == expected
    found = rdb.inventory(tmp_path / "dump.rdb", "dump")
    expiries = [entry.expires_at for entry in expected if entry.expires_at != -1]
    assert (found.keys, found.keys_with_expiry) == (len(expected), len(expiries))
    assert (found.earliest_expiry, found.latest_expiry) == (min(expiries), max(expiries))


def test_a_snapshot_cut_anywhere_is_refused(start_redis, tmp_path):
    redis = start_redis()
    fill(redis, 5)
    redis.cli("--rdb", str(tmp_path / "dump.rdb"))
    whole = (tmp_path / "dump.rdb").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(BackupError):
            rdb.inventory(tmp_path / "cut", "cut")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=9), st.integers(-1, 2**50)), max_size=20, unique=True),
    st.randoms(),
)
def test_digests_depend_on_each_entry_and_not_on_their_order(rows, chance):
    def total(some) -> tuple:
        found = rdb.Inventory()
        for row in some:
            found.add(rdb.Entry(*row))
        return found.keys_digest, found.expiries_digest, found.keys, found.keys_with_expiry

    shuffled = rows[:]
    chance.shuffle(shuffled)
    assert total(shuffled) == total(rows)
    for index, (database, key, expires_at) in enumerate(rows):
        others = rows[:index] + rows[index + 1 :]
        assert total(others) != total(rows)
        assert total([*others, (database, key, expires_at + 1)]) != total(rows)
        assert total([*others, (database, key + b"x", expires_at)]) != total(rows)


@given(st.integers(0, 10_000_000))
def test_the_number_of_digits_follows_from_n(n):
    assert sample.digit_count(n) == oracle.digit_count(n)


def test_slots_are_those_of_redis(start_redis):
    # The bus has a port of its own: the usual one, 10000 above, need not exist.
    redis = start_redis("--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0]))
    for key in ("fib:0", "fib:10000000", "{a}b", "x{ab}y", "{}z", "{", "a}b{c}"):
        assert topology.slot_of(key.encode()) == int(redis.cli("CLUSTER", "KEYSLOT", key)), key


# Taking


def test_each_shard_of_a_cluster_is_copied_from_its_replica(backups):
    cluster = RedisCluster(replicas=1).start()
    try:
        for node in cluster.nodes:
            node.cli("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        for n in range(60):
            cluster.nodes[0].cli("-c", "SET", f"fib:{n}", oracle.digits(n), "EX", "86400")
        replicas = [node for node in cluster.nodes if "role:slave" in node.cli("INFO", "replication")]
        for node in replicas:
            wait_until(lambda node=node: "master_link_status:up" in node.cli("INFO", "replication"), 20, "in step")
        primaries = [node for node in cluster.nodes if node not in replicas]
        made = backups.backup(cluster.nodes[5])
        assert {shard["taken_from"] for shard in made["shards"]} == {f"127.0.0.1:{node.port}" for node in replicas}
        assert {shard["role"] for shard in made["shards"]} == {"replica"}
        assert made["keys"] == 60 == sum(int(node.cli("DBSIZE")) for node in primaries)
        assert [shard["slots"] for shard in made["shards"]] == ["0-5460", "5461-10922", "10923-16383"]
        backups.drill("--sample", "5")

        # One replica goes: its primary is copied instead. All of a shard go: there is no backup.
        replicas[0].kill()
        made = backups.backup(primaries[0])
        assert sorted(shard["role"] for shard in made["shards"]) == ["primary", "replica", "replica"]
        before = backups.names()
        for node in replicas[1:] + primaries[1:]:
            node.kill()
        output = backups.run("backup", "--redis", primaries[0].url, code=1)
        assert "redis-backup: backup failed: " in output
        assert backups.names() == before
    finally:
        cluster.close()


def test_a_backup_with_tls_and_a_user_who_may_only_copy(start_redis, backups, tmp_path):
    files = make_certificates(tmp_path)
    [port] = free_ports(1)
    redis = start_redis(
        *("--tls-port", str(port), "--tls-cert-file", files["server.crt"], "--tls-key-file", files["server.key"]),
        *("--tls-ca-cert-file", files["ca.crt"], "--tls-auth-clients", "no"),
    )
    fill(redis)
    redis.cli("ACL", "SETUSER", "redis-backup", "on", f">{PASSWORD}", *BACKUP_USER)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    address = f"rediss://redis-backup@127.0.0.1:{port}"
    settings = {
        "REDIS_URL": address,
        "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
        "REDIS_CA_FILE": files["ca.crt"],
    }
    # What redis-cli is called with, for everybody to see.
    spy = tmp_path / "redis-cli"
    spy.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/arguments\nexec {require("redis-cli", "redis-tools")} "$@"\n')
    spy.chmod(0o755)
    made = json.loads(backups.run("backup", "--json", "--redis-cli", str(spy), **settings))
    assert made["keys"] == 50
    arguments = (tmp_path / "arguments").read_text()
    assert "--rdb" in arguments and PASSWORD not in arguments
    stored = "".join(path.read_text(errors="replace") for path in backups.newest().iterdir())
    assert PASSWORD not in stored
    backups.drill("--sample", "5")

    (tmp_path / "password").write_text("wrong")
    output = backups.run("backup", code=1, **settings)
    assert "WRONGPASS" in output and PASSWORD not in output
    output = backups.run("backup", code=1, **settings | {"REDIS_CA_FILE": ""})
    assert "certificate verify failed" in output
    assert "holds a password" in backups.run("backup", "--redis", "redis://:hush@127.0.0.1", code=1)
    assert len(backups.names()) == 1


def test_a_replica_of_a_standalone_redis_is_preferred(start_redis, backups):
    primary = start_redis()
    fill(primary)
    replica = start_redis("--replicaof", "127.0.0.1", str(primary.port))
    wait_until(lambda: "master_link_status:up" in replica.cli("INFO", "replication"), 20, "in step")
    wait_until(lambda: "state=online" in primary.cli("INFO", "replication"), 20, "online")
    [shard] = backups.backup(primary)["shards"]
    assert (shard["role"], shard["taken_from"], shard["keys"]) == ("replica", f"127.0.0.1:{replica.port}", 50)


# Storing


def names_of_nights(nights: int) -> list[str]:
    """Backups before now, one a night."""
    now = datetime.now(UTC)
    return [new_identifier(now - timedelta(days=number + 1)) for number in reversed(range(nights))]


def put_backups(backups: Backups, names: list[str]) -> None:
    for name in names:
        (backups.directory / name).mkdir()
        (backups.directory / name / "manifest.json").write_text("{}")
        (backups.directory / name / "shard-0.rdb").write_text("x")


def test_old_backups_go_after_a_new_one_is_there(start_redis, backups):
    names = names_of_nights(60)
    put_backups(backups, names)
    redis = start_redis()
    fill(redis)
    made = backups.backup(redis)
    times = {name: time_of(name) for name in [*names, made["backup"]]}
    expected = sorted(name for name in times if times[name] in kept(times.values()))
    assert backups.names() == expected == made["kept"]
    assert len(expected) <= 12 and made["backup"] in expected
    assert sorted(path.name for path in backups.directory.iterdir()) == expected


def broken(tmp_path, text: str) -> str:
    """A program that is not what it should be."""
    path = tmp_path / "broken"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--redis", "redis://127.0.0.1:1"], "no connection to Redis"),
        (["--redis-cli", "exit 3"], "broken failed with exit code 3"),
        (["--redis-cli", "echo REDIS0010 >$6"], "is damaged: redis-check-rdb failed"),
        (["--redis-cli", "/no/such/redis-cli"], "/no/such/redis-cli is not there"),
        (["--redis-check-rdb", "exit 0"], "has no checksum"),
        (["--redis-cli", "exec sleep 60", "--timeout", "1s"], "not done after 1 s"),
        (["--min-keys", "51"], "50 keys, and 51 is the least"),
    ],
    ids=["no-redis", "no-snapshot", "damaged", "no-program", "unchecked", "too-slow", "emptied"],
)
def test_a_backup_that_fails_deletes_nothing_and_is_none(start_redis, backups, tmp_path, arguments, said):
    names = names_of_nights(20)
    put_backups(backups, names)
    redis = start_redis()
    fill(redis)
    if arguments[0] in ("--redis-cli", "--redis-check-rdb") and not arguments[1].startswith("/"):
        arguments = [arguments[0], broken(tmp_path, arguments[1]), *arguments[2:]]
    assert said in backups.run("backup", *["--redis", redis.url], *arguments, code=1)
    assert backups.names() == names


def test_no_space_for_a_snapshot_is_said_and_deletes_nothing(start_redis, backups):
    names = names_of_nights(20)
    put_backups(backups, names)
    redis = start_redis()
    redis.cli("SET", "fib:200000", oracle.digits(200_000))
    command = backups.command("backup", "--redis", redis.url)
    result = subprocess.run(
        command,
        env=backups.variables,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
    )
    assert result.returncode == 1, result.stdout
    assert "no snapshot of 127.0.0.1" in result.stderr
    assert backups.names() == names
    assert backups.leftovers() == []


def test_no_space_in_the_storage_leaves_no_part_of_an_object(tmp_path):
    program = """
import io, pathlib, resource, sys
from redis_backup.__main__ import parser
from redis_backup.errors import BackupError
from redis_backup.storage import DirectoryStorage
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    storage = DirectoryStorage(pathlib.Path(sys.argv[1]))
    storage.put("20261126T021500Z-0a1b2c/shard-0.rdb", io.BytesIO(bytes(9000)), 9000, "")
except BackupError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "shard-0.rdb cannot be stored" in result.stdout and "File too large" in result.stdout, result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_incomplete_backups_do_not_count_and_go_after_a_day(start_redis, backups):
    old, young = new_identifier(datetime.now(UTC) - timedelta(days=2)), new_identifier(datetime.now(UTC))
    for name in (old, young):
        (backups.directory / name).mkdir()
        (backups.directory / name / "shard-0.rdb").write_text("x")
    (backups.directory / "lost+found").mkdir()
    (backups.directory / "lost+found" / "file").touch()
    assert sorted(DirectoryStorage(backups.directory).names()) == [f"{old}/shard-0.rdb", f"{young}/shard-0.rdb"]
    assert backups.names() == []
    redis = start_redis()
    fill(redis)
    made = backups.backup(redis)
    assert made["deleted"] == [old]
    assert {path.name for path in backups.directory.iterdir()} == {young, made["backup"], "lost+found"}


def test_a_snapshot_of_another_shards_server_is_no_backup(start_redis, tmp_path):
    """As a replica would give that has moved to another shard since the cluster was asked."""
    redis = start_redis()
    fill(redis)
    shard = topology.Shard(topology.Endpoint("127.0.0.1", redis.port), slots="0-100")
    with pytest.raises(BackupError, match="keys of other slots than 0-100"):
        snapshot.take(shard, "shard-0.rdb", tmp_path, snapshot.Tools(), 60)


def test_two_backups_at_once_are_two_backups(start_redis, backups):
    redis = start_redis()
    fill(redis)
    processes = [backups.start("backup", "--redis", redis.url, "--json") for _ in range(2)]
    made = [json.loads(process.communicate(timeout=60)[0])["backup"] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    # Of one day only the newest is kept: the one that ended last may have let the other go.
    assert set(backups.names()) <= set(made) and backups.names()
    backups.drill("--sample", "5")


def test_a_backup_that_is_told_to_end_leaves_nothing_behind(start_redis, backups, tmp_path):
    redis = start_redis()
    fill(redis)
    slow = broken(tmp_path, f"echo $$ >{tmp_path}/pid\nexec sleep 60")
    process = backups.start("backup", "--redis", redis.url, "--redis-cli", slow)
    try:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 20, "it has begun")
        process.terminate()
        assert process.wait(20) == 128 + 15
    finally:
        process.kill()
        process.communicate(timeout=10)
    assert backups.leftovers() == [] and backups.names() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_directory_takes_only_what_has_its_checksum(tmp_path):
    storage = DirectoryStorage(tmp_path)
    with pytest.raises(BackupError, match="another checksum"):
        storage.put("20261126T021500Z-0a1b2c/shard-0.rdb", io.BytesIO(b"data"), 4, hashlib.sha256(b"other").hexdigest())
    assert storage.names() == []


# Object storage


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A server that speaks S3."""
    [port] = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "moto ended: make .venv/.installed"
        with contextlib.suppress(URLError, ConnectionError), urlopen(f"{address}/moto-api/", timeout=5):
            return True
        return False

    try:
        wait_until(answers, 30, "the object storage answers", interval=0.1)
        yield address
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def bucket(s3, tmp_path, monkeypatch) -> Backups:
    """A bucket with versions, and commands that store there. Credentials are in a file, as in the job."""
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    settings = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    name = f"backups-{free_ports(1)[0]}"
    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Backups(tmp_path, f"s3://{name}/cache", BACKUP_S3_ENDPOINT=s3, **settings)


def test_object_storage_keeps_backups_as_a_directory_does(start_redis, bucket, s3):
    redis = start_redis()
    fill(redis)
    first = bucket.backup(redis)["backup"]
    bucket.drill("--sample", "5")
    storage = open_storage(bucket.storage, s3)
    assert sorted(storage.names()) == [f"{first}/manifest.json", f"{first}/shard-0.rdb"]
    for name in names_of_nights(20):
        storage.put_bytes(f"{name}/manifest.json", b"{}")
    made = bucket.backup(redis)
    assert first in made["deleted"] and bucket.names() == made["kept"] and len(made["kept"]) <= 12

    name = f"{made['backup']}/shard-0.rdb"
    data = io.BytesIO()
    storage.get(name, data, 1 << 20)
    damaged = bytearray(data.getvalue())
    damaged[50] ^= 1
    storage.put_bytes(name, bytes(damaged))
    assert "shard-0.rdb is damaged: its SHA-256 is not that of the manifest" in bucket.failed_drill()
    storage.delete(name)
    assert f"{name} is not in the storage" in bucket.failed_drill()


def test_no_room_for_what_object_storage_gives_is_said_to_prometheus_too(start_redis, bucket, tmp_path):
    redis = start_redis()
    redis.cli("SET", "fib:200000", oracle.digits(200_000))
    bucket.backup(redis)
    path = tmp_path / "drill.prom"
    result = subprocess.run(
        bucket.command("restore-drill", "--metrics", str(path)),
        env=bucket.variables,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
    )
    assert result.returncode == 1 and "File too large" in result.stdout, result.stdout + result.stderr
    assert "redis_restore_drill_success 0\n" in path.read_text()
    assert bucket.leftovers() == []


def test_object_storage_compares_the_checksum(bucket, s3):
    storage = open_storage(bucket.storage, s3)
    with pytest.raises(BackupError, match="shard-0.rdb (cannot be|was) stored"):
        storage.put("20261126T021500Z-0a1b2c/shard-0.rdb", io.BytesIO(b"data"), 4, hashlib.sha256(b"other").hexdigest())
    name, data = "20261126T021500Z-0a1b2c/shard-0.rdb", b"data"
    storage.put_bytes(name, data)
    assert storage.read_back(f"cache/{name}") == hashlib.sha256(data).hexdigest()
    with pytest.raises(BackupError, match="at most 3"):
        storage.get(name, io.BytesIO(), 3)


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("s3://no-such-bucket/cache", "cannot be stored in s3://no-such-bucket"),
        ("file:///no/such/directory", "is the volume mounted?"),
        ("ftp://host/x", "is no storage"),
        ("file://relative", "is no storage"),
    ],
)
def test_a_storage_that_is_not_there_is_said(start_redis, bucket, storage, said):
    redis = start_redis()
    fill(redis, 5)
    assert said in bucket.run("backup", "--redis", redis.url, "--storage", storage, code=1)


def test_settings_that_lack_or_are_wrong_are_said(backups):
    assert "--redis" in backups.run("backup", code=2)
    assert "is no time" in backups.run("restore-drill", "--max-age", "26", code=2)
    assert "is no whole number" in backups.run("backup", "--redis", "redis://h", "--daily", "0", code=2)
    assert "(REDIS_URL)" in backups.run("backup", "--help")


# The jobs

MANIFESTS = sorted((PACKAGE / "manifests").glob("*.yaml"))


def pods() -> Iterator[tuple[str, dict, dict]]:
    """Each job: its name, its specification, and that of its pods."""
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] in ("CronJob", "Job"):
                spec = document["spec"]
                job = spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec
                yield document["metadata"]["name"], job, job["template"]


JOBS = {name: (job, template) for name, job, template in pods()}


def test_there_are_two_jobs_and_one_for_the_day_that_it_is_needed():
    assert set(JOBS) == {"redis-backup", "redis-restore-drill", "redis-restore"}
    resources = yaml.safe_load((PACKAGE / "manifests" / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in MANIFESTS}
    assert set(resources) == there - {"kustomization.yaml", "restore-job.yaml"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_calls_the_program_as_it_is_and_for_less_time_than_it_has(name, monkeypatch):
    job, template = JOBS[name]
    [container] = template["spec"]["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    monkeypatch.setenv("BACKUP_STORAGE", "file:///backups")
    options = parser().parse_args(container["args"])
    assert options.timeout < job["activeDeadlineSeconds"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert str(options.work_dir) in mounted and {"/backups", "/tmp"} <= mounted
    if name != "redis-restore-drill":
        assert options.redis.startswith("rediss://")
        assert {str(options.password_file.parent), str(options.ca_file.parent)} <= mounted


def test_object_storage_is_for_each_namespace_its_own_and_for_the_restore_too():
    component = yaml.safe_load((PACKAGE / "s3" / "kustomization.yaml").read_text())
    [jobs] = [yaml.safe_load(patch["patch"]) for patch in component["patches"] if patch["target"]["kind"] == "CronJob"]
    by_hand = yaml.safe_load((PACKAGE / "s3" / "restore-job.patch.yaml").read_text())
    assert [step["path"].removeprefix("/spec/jobTemplate") for step in jobs] == [step["path"] for step in by_hand]
    assert [step["value"] for step in jobs] == [step["value"] for step in by_hand]
    *_, storage, namespace = (step["value"] for step in by_hand)
    assert (storage["name"], namespace["name"]) == ("BACKUP_STORAGE", "NAMESPACE")
    assert "/$(NAMESPACE)/" in storage["value"]
    for _, template in JOBS.values():
        assert template["spec"]["volumes"][0]["name"] == "backups"
        assert template["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] == "/backups"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_no_more_rights_than_it_needs(name):
    _, template = JOBS[name]
    pod = template["spec"]
    assert pod["automountServiceAccountToken"] is False
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True and security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    # Redis lets in who has this label.
    assert (template["metadata"]["labels"].get("redis-cache-access") == "true") is (name != "redis-restore-drill")
    assert not any("SECRET" in variable["name"] or "value" not in variable for variable in container["env"])
