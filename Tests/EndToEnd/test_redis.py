"""The shared cache tier: what it gives, and that it never takes anything away."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import oracle
import pytest
from checks import assert_value, cache_status, is_collapsed, is_computed, is_hit
from rawhttp import request_bytes
from redis_server import RedisCluster, RedisServer, make_certificates
from service import Service, run_command, wait_until
from slow_proxy import SlowProxy

REDIS_HIT = {"hit": True, "detail": "redis"}
MEMORY_HIT = {"hit": True, "detail": "memory"}
COMPUTED = {"fwd": "uri-miss", "stored": True, "detail": "compute"}
PASSWORD = "correct horse/battery@staple"
QUOTED_PASSWORD = "correct%20horse%2Fbattery%40staple"


@pytest.fixture
def redis(start_redis) -> RedisServer:
    return start_redis()


def readiness(service: Service) -> dict:
    response = service.admin("/readyz")
    assert response.status == 200
    return response.json()


def await_redis(service: Service, level: str, timeout: float = 10.0) -> None:
    wait_until(lambda: readiness(service).get("redis") == level, timeout, f"Redis is {level}")


def lines(service: Service, message: str) -> list[dict]:
    return [entry for entry in service.log() if entry["message"] == message]


def seconds(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


class Load(threading.Thread):
    """Asks one service for ever new values until told to stop, and keeps what was not right."""

    def __init__(self, service: Service, first: int):
        super().__init__(daemon=True)
        self.service, self.n = service, first
        self.finished = threading.Event()
        self.answers = 0
        self.failures: list[str] = []

    def run(self) -> None:
        try:
            with self.service.connect(30) as connection:
                while not self.finished.is_set():
                    self.n += 1
                    response = connection.request(f"/v1/fib?n={self.n}", fields={"Accept": "text/plain"})
                    if response.status != 200 or len(response.body) != oracle.digit_count(self.n):
                        self.failures.append(f"n = {self.n}: {response.status}, {len(response.body)} bytes")
                    self.answers += 1
                    time.sleep(0.002)
        except Exception as error:
            self.failures.append(f"n = {self.n}: {error!r}")

    def stop(self) -> None:
        self.finished.set()
        self.join(40)
        assert self.failures == []
        assert self.answers > 20, "there was no load"


# What it gives


@pytest.mark.parametrize("n", [100, 1_000, 123_456, 1_500_000])
def test_a_value_that_one_process_computed_is_a_redis_hit_in_another(start, redis, n):
    first, second = start(REDIS_URL=redis.url), start(REDIS_URL=redis.url)
    for service in (first, second):
        await_redis(service, "connected")
    assert cache_status(first.fib(n)) == COMPUTED
    for representation, accept in (("json", "application/json"), ("text", "text/plain")):
        response = second.fib(n, fields={"Accept": accept})
        assert_value(response, n, representation)
        assert cache_status(response) == (REDIS_HIT if representation == "json" else MEMORY_HIT)
    assert redis.cli("GET", f"fib:{n}") == oracle.digits(n)


def test_values_go_away_after_their_time(start, redis):
    service = start(REDIS_URL=redis.url, CACHE_TTL_SECONDS=100)
    await_redis(service, "connected")
    service.fib(1_000)
    assert 90 <= int(redis.cli("TTL", "fib:1000")) <= 100
    assert 90 <= int(redis.cli("TTL", "fib:99")) <= 100


def test_values_above_the_limit_are_not_stored(start, redis):
    service = start(REDIS_URL=redis.url, CACHE_MAX_VALUE_BYTES=209)
    await_redis(service, "connected")
    service.fib(1_000)
    service.fib(1_006)
    assert redis.cli("EXISTS", "fib:1000") == "1"
    assert redis.cli("EXISTS", "fib:1006") == "0"


def test_the_first_hundred_values_are_there_when_the_service_is_ready(start, redis):
    redis.cli("SET", "fib:7", "13")
    start(REDIS_URL=redis.url)
    assert redis.cli("DBSIZE") == "100"
    assert [redis.cli("GET", f"fib:{n}") for n in (0, 1, 50, 99)] == [oracle.digits(n) for n in (0, 1, 50, 99)]
    assert redis.cli("TTL", "fib:7") == "-1", "a warm-up replaced what was there"


def test_a_hundred_cold_requests_for_one_value_cause_one_computation(start, redis):
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    n = 3_000_017
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.connect(30)) for _ in range(100)]
        for connection in connections:
            connection.send(request_bytes(f"/v1/fib?n={n}", fields={"Accept": "text/plain"}))
        responses = [connection.read_response() for connection in connections]
    assert sum(is_computed(response) for response in responses) == 1
    assert sum(is_collapsed(response) or is_hit(response) for response in responses) == 99
    assert {response.body for response in responses} == {oracle.text_body(n)}


def test_the_access_log_names_the_tier(start, redis):
    redis.cli("SET", "fib:1234", oracle.digits(1_234))
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    identifier = service.fib(1_234).field("X-Request-ID")
    assert service.access_log(identifier)[0]["cache"] == "redis-hit"


# Nothing wrong ever comes from it


def poisons() -> dict[str, str]:
    right = oracle.digits(2_000)
    wrong = str((int(right[200]) + 1) % 10)
    return {
        "a flipped digit": right[:200] + wrong + right[201:],
        "swapped digits": right[1] + right[0] + right[2:],
        "another number of the same length": oracle.digits(1_999).ljust(len(right), "0"),
        "too short": right[:-1],
        "too long": right + "0",
        "empty": "",
        "letters": "x" * len(right),
        "a space": " " + right[1:],
        "a sign": "+" + right[1:],
        "much too long": "9" * 3_000_000,
    }


@pytest.mark.parametrize("name", poisons())
def test_a_poisoned_value_is_not_served_and_replaced(start, redis, name):
    redis.cli("SET", "fib:2000", poisons()[name][:100_000])
    if len(poisons()[name]) > 100_000:
        redis.cli("SETRANGE", "fib:2000", "2999999", "9")
    # On a busy machine three megabytes may take longer than the 25 ms after which nobody waits for them.
    service = start(REDIS_URL=redis.url, REDIS_TIMEOUT_MILLISECONDS=2_000)
    await_redis(service, "connected")
    response = service.fib(2_000)
    assert_value(response, 2_000, "json")
    assert cache_status(response) == COMPUTED
    assert redis.cli("GET", "fib:2000") == oracle.digits(2_000)
    faults = wait_until(lambda: lines(service, "integrity failure"), 5, "the fault is logged")
    assert len(faults) == 1
    assert (faults[0]["where"], faults[0]["n"]) == ("redis", 2_000)


@pytest.mark.parametrize("command", ["LPUSH key x", "HSET key x y", "SADD key x", "ZADD key 1 x"])
def test_a_key_of_another_type_is_replaced(start, redis, command):
    redis.cli(*command.replace("key", "fib:2000").split())
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    assert_value(service.fib(2_000), 2_000, "json")
    assert redis.cli("GET", "fib:2000") == oracle.digits(2_000)
    state = {"status": "ready", "redis": "connected", "redis_reason": None}
    assert readiness(service).items() >= state.items()


# It never makes anything worse


def test_a_service_starts_without_redis_and_warms_it_when_it_comes(start, start_redis):
    redis = RedisServer()
    service = start(REDIS_URL=redis.url)
    try:
        assert service.start_seconds < 1
        assert readiness(service)["status"] == "degraded"
        for n in range(1_000, 1_050):
            assert_value(service.fib(n), n, "json")
        redis.start()
        await_redis(service, "connected")
        wait_until(lambda: len(redis.cli("KEYS", "fib:*").split()) == 100, 5, "the warm-up is repeated")
    finally:
        redis.close()


def test_killing_and_restarting_redis_under_load_costs_no_answer(start, redis):
    first, second = start(REDIS_URL=redis.url), start(REDIS_URL=redis.url)
    loads = [Load(first, 20_000), Load(second, 60_000)]
    for load in loads:
        load.start()
    for _ in range(2):
        time.sleep(0.5)
        redis.kill()
        await_redis(first, "down")
        time.sleep(0.5)
        redis.start()
        for service in (first, second):
            await_redis(service, "connected", timeout=10)
        wait_until(lambda: int(redis.cli("DBSIZE")) >= 100, 5, "the warm-up is repeated")
    for load in loads:
        load.stop()
    for service in (first, second):
        assert len(lines(service, "Redis is down")) == 2
        assert len(lines(service, "Redis is connected")) == 3


def test_a_stalled_redis_adds_25_ms_until_the_breaker_opens_and_nothing_after(start, redis, figure):
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    with service.connect() as connection:
        connection.request("/v1/fib?n=1000")
        redis.pause()
        times = [seconds(lambda n=n: connection.request(f"/v1/fib?n={n}")) for n in range(1_001, 1_101)]
        slow = [duration for duration in times if duration > 0.015]
        figure(
            f"Redis stalled: {len(slow)} slow requests, longest {max(times) * 1e3:.0f} ms, "
            f"then median {sorted(times[20:])[40] * 1e3:.2f} ms"
        )
        assert len(slow) <= 8
        assert max(times) < 0.075, "more than 25 ms were added"
        assert sorted(times[20:])[75] < 0.015
        assert readiness(service)["redis"] == "down"
        # The limiter asks it first, and finds out for both.
        wait_until(lambda: lines(service, "Redis is down"), 5, "the log says so")
        redis.resume()
        await_redis(service, "connected", timeout=10)
    assert len(lines(service, "Redis is down")) == len(lines(service, "rate limits are local")) == 1


def test_stalling_redis_under_load_costs_no_answer(start, redis):
    service = start(REDIS_URL=redis.url)
    load = Load(service, 20_000)
    load.start()
    for _ in range(2):
        time.sleep(0.3)
        redis.pause()
        await_redis(service, "down")
        redis.resume()
        await_redis(service, "connected", timeout=10)
    load.stop()


@pytest.mark.parametrize("milliseconds", [30, 60, 150])
def test_a_slow_redis_is_left_alone_after_a_few_requests(start, redis, milliseconds):
    """If its probes were more patient than requests, each of them would succeed and cost the next five requests."""
    proxy = SlowProxy(redis.port)
    try:
        service = start(REDIS_URL=f"redis://127.0.0.1:{proxy.port}")
        await_redis(service, "connected")
        proxy.delay = milliseconds / 1e3
        end = time.monotonic() + 4
        times, n = [], 1_000
        with service.connect() as connection:
            while time.monotonic() < end:
                n += 1
                times.append(seconds(lambda n=n: connection.request(f"/v1/fib?n={n}")))
                time.sleep(0.005)
        assert max(times) < 0.075
        assert sum(duration > 0.015 for duration in times) <= 15, "Redis is tried again and again"
        assert len(lines(service, "Redis is down")) <= 3
        proxy.delay = 0
        await_redis(service, "connected", timeout=10)
    finally:
        proxy.close()


def test_a_redis_that_wants_replicas_is_read_and_degraded(start, redis):
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    redis.cli("CONFIG", "SET", "min-replicas-to-write", "1")
    for n in range(1_000, 1_010):
        assert_value(service.fib(n), n, "json")
    assert readiness(service)["status"] == "degraded"
    assert "NOREPLICAS" in readiness(service)["redis_reason"]
    redis.cli("CONFIG", "SET", "min-replicas-to-write", "0")
    await_redis(service, "connected", timeout=10)


def test_a_full_redis_is_read_and_degraded(start, start_redis):
    redis = start_redis("--maxmemory-policy", "noeviction")
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    redis.cli("SET", "fib:5000", oracle.digits(5_000))
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    for n in range(1_000, 1_020):
        assert_value(service.fib(n), n, "json")
    assert cache_status(service.fib(5_000)) == REDIS_HIT
    assert readiness(service)["status"] == "degraded"
    redis.cli("CONFIG", "SET", "maxmemory", "0")
    wait_until(lambda: service.fib(2_000) and readiness(service)["redis"] == "connected", 10, "it recovers", 0.3)


def test_a_read_only_redis_is_read_and_degraded(start, redis):
    service = start(REDIS_URL=redis.url)
    await_redis(service, "connected")
    redis.cli("SET", "fib:5000", oracle.digits(5_000))
    redis.cli("CONFIG", "SET", "replica-serve-stale-data", "yes")
    redis.cli("REPLICAOF", "127.0.0.1", "1")
    for n in range(1_000, 1_020):
        assert_value(service.fib(n), n, "json")
    wait_until(lambda: cache_status(service.fib(5_000)) in (REDIS_HIT, MEMORY_HIT), 10, "reads go on", 0.2)
    assert readiness(service)["status"] == "degraded"
    redis.cli("REPLICAOF", "NO", "ONE")
    await_redis(service, "connected", timeout=10)


def test_a_wrong_password_costs_no_answer_and_is_not_logged(start, start_redis):
    redis = start_redis("--requirepass", "another", password="another")
    service = start(REDIS_URL=f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{redis.port}")
    await_redis(service, "down")
    for n in range(1_000, 1_020):
        assert_value(service.fib(n), n, "json")
    assert "WRONGPASS" in readiness(service)["redis_reason"]
    service.stop()
    written = "\n".join(service.stdout.lines + service.stderr.lines)
    assert len([line for line in service.stdout.lines if "Redis is down" in line]) == 1
    for secret in (PASSWORD, QUOTED_PASSWORD, "correct", "staple"):
        assert secret not in written


GARBAGE = {
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing but zeros": b"\0" * 1_000,
    "a giant bulk string": b"$9999999999\r\n",
    "a giant array": b"*2147483647\r\n",
    "deep nesting": b"*1\r\n" * 10_000,
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n" * 4,
    "an endless line": b"+" + b"x" * 1_000_000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_server_that_talks_nonsense_costs_no_answer(start, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        finished = threading.Event()
        clients = []

        def serve() -> None:
            while not finished.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    clients.append(client)
                    client.sendall(GARBAGE[name])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            service = start(REDIS_URL=f"redis://127.0.0.1:{listener.getsockname()[1]}")
            slowest = max(seconds(lambda n=n: assert_value(service.fib(n), n, "json")) for n in range(1_000, 1_050))
            assert slowest < 0.2
            assert readiness(service)["status"] == "degraded"
            assert service.resident_bytes() < 100e6
        finally:
            finished.set()
            thread.join(5)
            for client in clients:
                client.close()


# How it is reached


@pytest.mark.parametrize("place", ["the URL", "a file"])
def test_a_user_with_a_password_is_enough(start, start_redis, tmp_path, place):
    redis = start_redis("--user", "cache", "on", f">{PASSWORD}", "~fib:*", "+@all", password=None)
    if place == "the URL":
        settings = {"REDIS_URL": f"redis://cache:{QUOTED_PASSWORD}@127.0.0.1:{redis.port}"}
    else:
        file = tmp_path / "password"
        file.write_text(PASSWORD + "\n")
        settings = {"REDIS_URL": f"redis://cache@127.0.0.1:{redis.port}", "REDIS_PASSWORD_FILE": file}
    service = start(**settings)
    await_redis(service, "connected")
    assert cache_status(service.fib(1_000)) == COMPUTED
    assert redis.cli("EXISTS", "fib:1000") == "1"


def test_tls_with_certificates_of_an_own_authority(start, start_redis, tmp_path):
    files = make_certificates(tmp_path)
    [tls_port] = [redis_port for redis_port in [RedisServer().port]]
    redis = start_redis(
        *("--tls-port", str(tls_port), "--tls-cert-file", files["server.crt"], "--tls-key-file", files["server.key"]),
        *("--tls-ca-cert-file", files["ca.crt"], "--tls-auth-clients", "yes"),
    )
    url = f"rediss://127.0.0.1:{tls_port}"
    trusted = start(
        REDIS_URL=url,
        REDIS_CA_FILE=files["ca.crt"],
        REDIS_CLIENT_CERTIFICATE_FILE=files["client.crt"],
        REDIS_CLIENT_KEY_FILE=files["client.key"],
    )
    await_redis(trusted, "connected")
    assert cache_status(trusted.fib(1_000)) == COMPUTED
    assert redis.cli("EXISTS", "fib:1000") == "1"
    untrusted = start(REDIS_URL=url)
    await_redis(untrusted, "down")
    assert_value(untrusted.fib(1_000), 1_000, "json")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"REDIS_URL": "http://:hush@127.0.0.1"}, ["REDIS_URL", "neither redis nor rediss"]),
        ({"REDIS_URL": "redis://:hush@"}, ["REDIS_URL", "no host"]),
        ({"REDIS_URL": "redis://h", "REDIS_PASSWORD_FILE": "/no/such/file"}, ["REDIS_PASSWORD_FILE", "/no/such/file"]),
        ({"REDIS_URL": "rediss://:hush@h", "REDIS_CA_FILE": "/no/such/file"}, ["REDIS_CA_FILE", "/no/such/file"]),
        ({"REDIS_URL": "redis://:hush@h", "REDIS_CA_FILE": "/etc/hostname"}, ["REDIS_CA_FILE", "rediss://"]),
        ({"REDIS_PASSWORD_FILE": "/etc/hostname"}, ["REDIS_PASSWORD_FILE", "REDIS_URL"]),
    ],
)
def test_what_cannot_be_stops_the_start_in_one_line_without_a_password(settings, shown):
    result = run_command("serve", timeout=10, **settings)
    [line] = result.stderr.decode().splitlines()
    assert (result.returncode, result.stdout) == (78, b"")
    assert [text for text in shown if text not in line] == [], line
    assert "hush" not in line


def test_a_cluster_is_filled_on_every_node(start):
    cluster = RedisCluster()
    try:
        cluster.start()
        settings = {"REDIS_URL": cluster.nodes[0].url, "REDIS_CLUSTER": "true"}
        first, second = start(**settings), start(**settings)
        for service in (first, second):
            await_redis(service, "connected")
        numbers = range(1_000, 1_060)
        for n in numbers:
            assert cache_status(first.fib(n)) == COMPUTED
        for n in numbers:
            response = second.fib(n)
            assert_value(response, n, "json")
            assert cache_status(response) == REDIS_HIT

        def sizes() -> list[int]:
            return [len(node.cli("KEYS", "fib:*").split()) for node in cluster.nodes]

        wait_until(lambda: sum(sizes()) == 160, 10, "60 values and those of the warm-up are there")
        assert min(sizes()) > 20
    finally:
        cluster.close()


def test_a_cluster_that_is_down_for_a_while_is_found_when_it_is_back(start):
    cluster = RedisCluster()
    try:
        cluster.start()
        service = start(REDIS_URL=cluster.nodes[0].url, REDIS_CLUSTER="true")
        await_redis(service, "connected")
        for node in cluster.nodes:
            node.cli("CLUSTER", "DELSLOTS", "100")
        for n in range(2_000, 2_050):
            assert_value(service.fib(n), n, "json")
        assert readiness(service)["status"] == "degraded"
        cluster.nodes[0].cli("CLUSTER", "ADDSLOTS", "100")
        for node in cluster.nodes:
            wait_until(lambda node=node: "cluster_state:ok" in node.cli("CLUSTER", "INFO"), 20, "the cluster is up")
        await_redis(service, "connected", timeout=10)
        cluster.nodes[1].kill()
        for n in range(3_000, 3_050):
            assert_value(service.fib(n), n, "json")
        cluster.nodes[1].start()
        for node in cluster.nodes:
            wait_until(lambda node=node: "cluster_state:ok" in node.cli("CLUSTER", "INFO"), 20, "the cluster is up")
        await_redis(service, "connected", timeout=10)
    finally:
        cluster.close()
