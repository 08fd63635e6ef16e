"""Redis as deploy/redis ships it: real servers with its scripts, users and settings, and the real service on them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator

import oracle
import pytest
from checks import cache_status
from redis_production import KINDS, NAMES, Node, ProductionCluster, issue, make_authority, openssl
from service import Service, free_ports, wait_until

REDIS_HIT = {"hit": True, "detail": "redis"}
BUDGET = 50


@pytest.fixture(scope="module")
def cache() -> Iterator[ProductionCluster]:
    cluster = ProductionCluster("cache")
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def limiter() -> Iterator[ProductionCluster]:
    cluster = ProductionCluster("limiter")
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture
def serve(start, cache: ProductionCluster, limiter: ProductionCluster, tmp_path) -> Callable[..., Service]:
    """Starts services on both clusters, with what the chart gives them: a URL with a user, files."""
    authorities = tmp_path / "ca.crt"
    authorities.write_bytes(b"".join((cluster.tls / "ca.crt").read_bytes() for cluster in (cache, limiter)))

    def serve_one(**settings) -> Service:
        parts = cache.settings("") | limiter.settings("RATE_LIMIT_") | {"REDIS_CA_FILE": str(authorities)}
        # Processors are shared with 12 servers here: what is slow is not away.
        parts |= {"REDIS_TIMEOUT_MILLISECONDS": 1000, "CACHE_MEMORY_BYTES": 0}
        service = start(**(parts | settings))
        await_state(service, "redis", "connected")
        await_state(service, "rate_limit_redis", "connected")
        return service

    return serve_one


def cluster_of(kind: str, cache: ProductionCluster, limiter: ProductionCluster) -> ProductionCluster:
    return {"cache": cache, "limiter": limiter}[kind]


def await_state(service: Service, part: str, level: str, timeout: float = 20.0) -> None:
    def state():
        return service.admin("/readyz").json()

    wait_until(lambda: state().get(part) == level, timeout, f"{part} is {level}; last {state()}", interval=0.05)


def await_ready(cluster: ProductionCluster) -> None:
    for node in cluster.nodes:
        wait_until(node.is_ready, 40, f"{node.name} is ready; {node.log()[-500:]}", interval=0.1)


def bootstrapped(cluster: ProductionCluster, **settings) -> str:
    result = cluster.bootstrap(**settings)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def planned(cluster: ProductionCluster) -> bool:
    """Whether each shard has its primary and its replica where they should be."""
    return all(first.is_primary and not second.is_primary for first, second in cluster.shards)


# The cluster


@pytest.mark.parametrize("kind", KINDS)
def test_bootstrap_makes_three_shards_with_a_replica_each(kind, cache, limiter):
    cluster = cluster_of(kind, cache, limiter)
    await_ready(cluster)
    assert planned(cluster)
    info = cluster.nodes[0].cli("CLUSTER", "INFO")
    assert "cluster_slots_ok:16384" in info and "cluster_size:3" in info and "cluster_known_nodes:6" in info


def test_bootstrap_leaves_a_cluster_in_order_alone(cache):
    before = sorted(re.findall(r"^(\w+) \S+ \S*(?:master|slave) (\S+)", cache.nodes[0].cli("CLUSTER", "NODES"), re.M))
    assert bootstrapped(cache) == "bootstrap: 3 shards, 6 nodes, all slots served\n"
    assert before == sorted(
        re.findall(r"^(\w+) \S+ \S*(?:master|slave) (\S+)", cache.nodes[0].cli("CLUSTER", "NODES"), re.M)
    )


def test_bootstrap_says_which_node_does_not_answer(cache):
    shards = "\n".join([cache.nodes[0].endpoint, "localhost:1", "localhost:2"])
    result = cache.bootstrap(wait_seconds=1, REDIS_SHARDS=shards)
    assert result.returncode == 1
    assert "bootstrap: localhost:1 does not answer: Could not connect" in result.stderr
    assert "the cluster is not in order" in result.stderr


def test_bootstrap_refuses_a_cluster_that_could_not_decide_about_a_failover(cache):
    result = cache.bootstrap(REDIS_SHARDS=f"localhost:{cache.nodes[0].port}")
    assert result.returncode == 1
    assert "1 shards; expected 3 or more" in result.stderr


def test_nodes_name_each_other_by_names_that_the_certificate_has(cache):
    shards = cache.nodes[0].cli("CLUSTER", "SHARDS", user=cache.client_user).splitlines()
    endpoints = {shards[index + 1] for index, word in enumerate(shards) if word == "endpoint"}
    assert endpoints == {"localhost"} <= set(NAMES["cache"])


def test_nobody_gets_in_without_tls(cache):
    """A server that speaks TLS only closes a connection on which something else is said."""
    with socket.create_connection(("127.0.0.1", cache.nodes[0].port), 5) as connection:
        connection.sendall(b"PING\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"PONG" not in connection.recv(100)


# Who may do what


REFUSED = [
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("DBSIZE",),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("DEBUG", "SLEEP", "0"),
    ("SHUTDOWN", "NOSAVE"),
    ("ACL", "LIST"),
    ("CLUSTER", "FAILOVER"),
    ("CLUSTER", "NODES"),
    ("CLUSTER", "FORGET", "0" * 40),
    ("SYNC",),
    ("REPLICAOF", "NO", "ONE"),
    ("MONITOR",),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "ID", "1"),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "LIST"),
    ("SAVE",),
    ("INFO",),
    ("SELECT", "0"),
    ("PUBLISH", "channel", "text"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_the_service_may_not(kind, words, cache, limiter):
    cluster = cluster_of(kind, cache, limiter)
    answer = cluster.nodes[0].cli(*words, user=cluster.client_user)
    # DEBUG is refused to everybody, before anything else.
    assert "NOPERM" in answer or "DEBUG command not allowed" in answer, answer


def test_the_service_reaches_its_own_keys_only(cache, limiter):
    for words in (("GET", "other"), ("SET", "ratelimit:{192.0.2.1}", "1"), ("DEL", "fib:1"), ("GETDEL", "fib:1")):
        assert cache.nodes[0].cli(*words, user=cache.client_user).startswith("NOPERM"), words
    foreign = ("EVAL", "return redis.call('GET', KEYS[1])", "1", "fib:1")
    for words in (("GET", "fib:1"), ("DEL", "ratelimit:{192.0.2.1}"), foreign):
        assert limiter.nodes[0].cli(*words, user=limiter.client_user).startswith("NOPERM"), words


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("exporter", ("GET", "fib:1")),
        ("exporter", ("CONFIG", "GET", "masterauth")),
        ("backup", ("SET", "fib:1", "1")),
        ("backup", ("DEL", "fib:1")),
        ("backup", ("FLUSHALL",)),
        ("probe", ("GET", "fib:1")),
        ("handover", ("CLUSTER", "FORGET", "0" * 40)),
        ("replication", ("GET", "fib:1")),
        ("operator", ("GET", "fib:1")),
        ("operator", ("FLUSHALL",)),
        ("operator", ("CONFIG", "GET", "masterauth")),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_other_users_may_not(user, words, cache):
    assert cache.nodes[0].cli(*words, user=user).startswith("NOPERM")


@pytest.mark.parametrize(
    "words",
    [("COMMAND", "INFO", "COMMANDLOG"), ("LATENCY", "HISTOGRAM"), ("LATENCY", "LATEST"), ("SLOWLOG", "GET", "1")],
    ids=" ".join,
)
def test_the_exporter_may_what_newer_versions_of_it_ask_for(words, cache):
    """What is refused would be counted, and bring an alert."""
    assert "NOPERM" not in cache.nodes[0].cli(*words, user="exporter")


def test_nobody_is_let_in_without_a_password_or_as_default(cache):
    node = cache.nodes[0]
    assert "WRONGPASS" in node.cli("PING", user="default", password="anything-at-all-it-is-off")
    assert "WRONGPASS" in node.cli("PING", user=cache.client_user, password=cache.passwords["probe"])


def test_the_users_are_kept_as_hashes_only(cache):
    users = (cache.nodes[0].run / "users.acl").read_text()
    assert users.count("user ") == len(cache.passwords) + 1
    assert not [name for name, password in cache.passwords.items() if password in users]
    for name in ("users.acl", "redis.conf", "probe", "handover"):
        assert (cache.nodes[0].run / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("password", "problem"),
    [("short", "24 to 128"), ("with a blank in it, and long enough", "24 to 128"), (None, "no password for the user")],
    ids=["short", "blank", "missing"],
)
def test_a_password_that_would_not_do_stops_the_start(cache, tmp_path, password, problem):
    shutil.copytree(cache.secrets, tmp_path / "secrets")
    (tmp_path / "secrets" / "exporter").unlink()
    if password is not None:
        (tmp_path / "secrets" / "exporter").write_text(password)
    (tmp_path / "run").mkdir()
    node = cache.nodes[0]
    parts = node.environment | {"SECRETS_DIR": str(tmp_path / "secrets"), "RUN_DIR": str(tmp_path / "run")}
    result = node.script("render.sh", environment=parts)
    assert result.returncode == 1
    assert "exporter" in result.stderr and problem in result.stderr
    assert password is None or password not in result.stderr


# Snapshots


def test_a_snapshot_can_be_taken_of_each_shard(cache, serve, tmp_path):
    serve()
    for primary, replica in cache.shards:
        wait_until(lambda node=replica: int(node.cli("DBSIZE")) > 0, 10, "the warm-up is there", interval=0.1)
        for node in (primary, replica):
            path = tmp_path / f"{node.name}.rdb"
            node.cli("--rdb", str(path), user="backup")
            assert path.read_bytes().startswith(b"REDIS"), node.name
            assert int(node.cli("DBSIZE", user="backup")) > 0
            assert node.cli("--scan", "--pattern", "fib:*", user="backup")


# The service on it


def test_a_value_is_computed_once_and_found_by_another_process(serve):
    first, second = serve(), serve()
    for n in (1_000, 12_345, 3_000_001):
        assert cache_status(first.fib(n))["detail"] == "compute"
        assert cache_status(second.fib(n)) == REDIS_HIT


def test_the_warm_up_reaches_every_shard(cache, serve):
    serve()

    def counts() -> list[int]:
        return [int(primary.cli("DBSIZE")) for primary, _ in cache.shards]

    wait_until(lambda: sum(counts()) >= 100 and all(counts()), 10, "a hundred values", interval=0.1)


def test_a_budget_is_exact_over_processes(serve, address):
    services = [serve(RATE_LIMIT_BUDGET=BUDGET, RATE_LIMIT_WINDOW_SECONDS=3600) for _ in range(2)]
    answers = [services[number % 2].fib(10, source=address) for number in range(BUDGET + 20)]
    assert {answer.field("X-RateLimit-Mode") for answer in answers} == {None}, "decided by a process alone"
    assert [answer.status for answer in answers] == [200] * BUDGET + [429] * 20


def test_the_service_meets_no_refusal(cache, limiter, serve):
    """Every command that it sends is one that its user may send."""

    def refusals(cluster: ProductionCluster) -> list[str]:
        return [node.info("errorstats").get("errorstat_NOPERM", "none") for node in cluster.nodes]

    before = refusals(cache), refusals(limiter)
    service = serve()
    for n in (10, 1_000, 50_001):
        assert service.fib(n).status == 200
    assert service.fib(10, method="HEAD").status == 200
    service.stop()
    assert (refusals(cache), refusals(limiter)) == before


class Load(threading.Thread):
    """Asks for ever new values, one client a request, until it is stopped."""

    def __init__(self, service: Service, first: int):
        super().__init__(daemon=True)
        self.service, self.n = service, first
        self.finished = threading.Event()
        self.answers = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.finished.is_set():
            self.n += 1
            try:
                response = self.service.fib(self.n, fields={"Accept": "text/plain"})
                if response.status != 200 or len(response.body) != oracle.digit_count(self.n):
                    self.failures.append(f"n = {self.n}: {response.status}")
            except Exception as error:
                self.failures.append(f"n = {self.n}: {error!r}")
            self.answers += 1
            time.sleep(0.005)

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.finished.set()
        self.join(30)
        assert self.failures == []
        assert self.answers > 20


def test_a_primary_that_is_lost_costs_no_request_and_comes_back_as_a_replica(cache, serve):
    service, other = serve(), serve()
    first, second = cache.shards[1]
    before = int(first.cli("DBSIZE"))
    assert before > 0
    with Load(service, 20_000):
        first.kill()
        wait_until(lambda: second.is_primary, 30, "the replica takes over", interval=0.1)
        # Its container is started again at once, with nothing but nodes.conf.
        first.start()
        await_state(service, "redis", "connected", 40)
        await_ready(cache)
    assert "was a primary with slots; waiting" in first.log()
    assert not first.is_primary and int(second.cli("DBSIZE")) >= before, "an empty primary has emptied its replica"
    key = next(n for n in range(30_000, 31_000) if cache.primary_of(f"fib:{n}") is second)
    assert cache_status(service.fib(key))["detail"] == "compute"
    assert cache_status(other.fib(key)) == REDIS_HIT
    assert f"{first.endpoint} takes over" in bootstrapped(cache)
    assert planned(cache)
    assert cache_status(other.fib(key)) == REDIS_HIT, "a handover loses nothing"


def shared_decisions(service: Service, address: str, count: int) -> list[int]:
    """The statuses of `count` requests of one client, without those that the process decided alone."""
    answers = [service.fib(10, source=address) for _ in range(count)]
    return [answer.status for answer in answers if answer.field("X-RateLimit-Mode") != "local"]


def test_a_pod_that_is_asked_to_end_hands_over_first(limiter, serve, address):
    """As in a rolling update. No charge is lost: whatever was not decided locally meanwhile adds up to the budget."""
    service = serve(RATE_LIMIT_BUDGET=BUDGET, RATE_LIMIT_WINDOW_SECONDS=3600)
    first = limiter.primary_of(f"ratelimit:{{{address}}}")
    shard = next(shard for shard in limiter.shards if first in shard)
    second = next(node for node in shard if node is not first)
    assert shared_decisions(service, address, BUDGET // 2).count(200) == BUDGET // 2
    handover = first.terminate()
    assert "has taken over" in handover.stdout, handover.stderr
    assert second.is_primary
    await_state(service, "rate_limit_redis", "connected")
    assert shared_decisions(service, address, BUDGET).count(200) == BUDGET - BUDGET // 2
    first.start()
    await_ready(limiter)
    bootstrapped(limiter)
    assert planned(limiter)


def test_a_node_that_lost_its_disk_is_taken_in_and_the_old_one_forgotten(cache):
    node = cache.shards[2][1]
    node.kill()
    for path in node.data.iterdir():
        path.unlink()
    node.start()
    wait_until(node.answers, 20, "it answers", interval=0.1)
    assert not node.is_ready(), "a node that belongs to no cluster serves nobody"
    others = cache.nodes[0]
    given_up = re.compile(r" slave,(fail|noaddr) ")
    wait_until(lambda: given_up.search(others.cli("CLUSTER", "NODES")), 20, "the old one is given up", interval=0.1)
    output = bootstrapped(cache)
    assert f"{node.endpoint} replicates {cache.shards[2][0].endpoint}" in output
    assert "is gone and forgotten" in output
    await_ready(cache)
    assert "cluster_known_nodes:6" in others.cli("CLUSTER", "INFO")


def test_a_replica_whose_primary_came_back_empty_keeps_the_data(cache):
    """Every primary with its disk, at once: no majority is left, so no replica takes over by itself."""
    filler = [(f"fib:{n}", str(n)) for n in range(30)]
    for key, value in filler:
        cache.primary_of(key).cli("SET", key, value, user=cache.client_user)
    replicas = [second for _, second in cache.shards]
    for first, second in cache.shards:
        wait_until(lambda a=first, b=second: a.cli("DBSIZE") == b.cli("DBSIZE"), 20, "replicas are in step")
    held = [int(node.cli("DBSIZE")) for node in replicas]
    assert min(held) > 0
    for first, _ in cache.shards:
        first.kill()
        for path in first.data.iterdir():
            path.unlink()
        # As a new pod it is somewhere else.
        first.port, first.bus = free_ports(2)
        first.start()
    for first, _ in cache.shards:
        wait_until(first.answers, 20, "it answers", interval=0.1)
    refused = cache.bootstrap(wait_seconds=5)
    assert refused.returncode == 1
    for node in replicas:
        assert f"{node.endpoint} has the data of" in refused.stderr
    assert "gets slots" not in refused.stdout and "replicates" not in refused.stdout
    assert [int(node.cli("DBSIZE")) for node in replicas] == held
    for node in replicas:
        assert node.cli("CLUSTER", "FAILOVER", "TAKEOVER") == "OK"
    bootstrapped(cache)
    await_ready(cache)
    assert planned(cache)
    for key, value in filler:
        assert cache.primary_of(key).cli("GET", key, user=cache.client_user) == value


def test_a_cluster_whose_pods_all_get_new_addresses_finds_together_again(cache, serve):
    service = serve()
    assert service.fib(4_321).status == 200
    for node in cache.nodes:
        node.kill()
    for number, node in enumerate(cache.nodes):
        node.address = f"127.0.0.{number + 11}"
        node.start()
    for node in cache.nodes:
        wait_until(node.answers, 40, f"{node.name} answers", interval=0.1)
    bootstrapped(cache)
    await_ready(cache)
    assert "127.0.0.1:" not in cache.nodes[0].cli("CLUSTER", "NODES")
    assert planned(cache)
    await_state(service, "redis", "connected", 40)


# Secrets that change


def test_a_second_password_is_accepted_while_clients_move_to_it(limiter):
    """NAME-next is read at the next start: of one pod after the other, as a rolling update does."""
    fresh = "0123456789abcdef0123456789abcdef"
    (limiter.secrets / f"{limiter.client_user}-next").write_text(fresh)
    node = limiter.shards[0][1]
    node.terminate()
    node.start()
    wait_until(node.is_ready, 40, "it is ready", interval=0.1)
    for password in (limiter.passwords[limiter.client_user], fresh):
        assert node.cli("PING", user=limiter.client_user, password=password) == "PONG"
    (limiter.secrets / f"{limiter.client_user}-next").unlink()


def served_serial(node: Node) -> str:
    words = ["s_client", "-connect", f"127.0.0.1:{node.port}", "-servername", "localhost"]
    return openssl("x509", "-noout", "-serial", cwd=node.root, text=openssl(*words, cwd=node.root, text=""))


def test_a_renewed_certificate_is_read_by_the_next_bootstrap(limiter):
    before = served_serial(limiter.nodes[0])
    issue(limiter.tls, limiter.authority, NAMES["limiter"], serial=4242)
    assert served_serial(limiter.nodes[0]) == before
    bootstrapped(limiter)
    assert {served_serial(node).strip() for node in limiter.nodes} == {"serial=1092"}


def test_a_new_authority_on_disk_does_not_make_nodes_unwell(limiter, tmp_path):
    """It comes to all nodes at once, before they have read it: probes that failed would end all of them."""
    make_authority(tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(limiter.tls, kept)
    try:
        issue(limiter.tls, tmp_path, NAMES["limiter"])
        for node in limiter.nodes:
            for what in ("live", "ready"):
                result = node.script("probe.sh", what)
                assert result.returncode == 0, result.stderr
    finally:
        shutil.copytree(kept, limiter.tls, dirs_exist_ok=True)
