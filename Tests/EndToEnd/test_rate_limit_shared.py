"""One budget for a client, whichever of many processes it asks: on one Redis, on a cluster, and while Redis is away."""

import signal
import threading
import time
from collections.abc import Callable, Iterator

import oracle
import pytest
from checks import assert_charged, assert_problem, rate_limit
from greedy import Clients
from rawhttp import request_bytes
from redis_server import RedisCluster
from service import AMPLE_BUDGET, Service, run_command, wait_until

BUDGET = 600
WINDOW = 3
RATE = BUDGET / WINDOW
YEAR = 31_536_000
# Where a machine is busy, an answer may take longer than the 25 ms after which a process decides for itself.
PATIENT = {"REDIS_TIMEOUT_MILLISECONDS": 2_000}
MIXED = [10, 100_000, 50_000, 1_000]


@pytest.fixture
def fleet(start) -> Callable[..., list[Service]]:
    """Starts processes that share a Redis."""

    def start_fleet(count: int, url: str, **settings) -> list[Service]:
        settings = {"RATE_LIMIT_BUDGET": BUDGET, "RATE_LIMIT_WINDOW_SECONDS": WINDOW, "COMPUTE_THREADS": 1} | settings
        services = [start(REDIS_URL=url, **settings) for _ in range(count)]
        for service in services:
            await_limiter(service, "connected")
        # Every process has told of itself, and has seen the others since: both happen once a second.
        time.sleep(1.2)
        return services

    return start_fleet


def await_limiter(service: Service, level: str, timeout: float = 15.0) -> None:
    def is_so() -> bool:
        return service.admin("/readyz").json().get("rate_limit_redis") == level

    wait_until(is_so, timeout, f"the limiter's Redis is {level}")


def is_local(service: Service, source: str) -> bool:
    return rate_limit(service.request("/v1/cost?n=0", source=source)).is_local


@pytest.mark.parametrize("count", [1, 4, 16])
def test_processes_admit_one_budget_together_and_all_of_it(start_redis, fleet, address, figure, count):
    """Greedy clients of all processes get what the bucket holds and earns: not a token more, hardly one less."""
    services = fleet(count, start_redis().url, **PATIENT)
    paced_address = address.replace("127.", "127.1", 1)
    greedy = Clients(services, address).greedy(MIXED)
    paced = Clients(services, paced_address).paced(0.95 * RATE)
    time.sleep(6)
    paced_tally = paced.stop()
    tally = greedy.stop()
    ceiling = tally.ceiling(BUDGET, WINDOW)
    figure(
        f"{count} processes on one Redis: greedy clients got {tally.admitted} of {ceiling:.1f} tokens "
        f"({tally.admitted / ceiling:.2%}); one at 95 % of its rate: {paced_tally.statuses}"
    )
    assert set(tally.statuses) == {200, 429}
    assert tally.admitted <= ceiling
    assert tally.admitted >= 0.99 * ceiling
    assert tally.local == 0
    assert set(paced_tally.statuses) == {200}


def test_a_bucket_that_does_not_refill_is_emptied_to_the_last_token(start_redis, fleet, address):
    services = fleet(4, start_redis().url, RATE_LIMIT_WINDOW_SECONDS=YEAR, **PATIENT)
    clients = Clients(services, address).greedy(MIXED)
    wait_until(lambda: clients.tally.admitted >= BUDGET, 30, "the budget is spent")
    time.sleep(0.5)
    assert clients.stop().admitted == BUDGET
    for service in services:
        response = service.fib(10, source=address)
        assert_problem(response, "quota-exceeded", 429)
        assert assert_charged(response, 1).remaining == 0


def test_each_client_has_a_budget_of_its_own_in_every_process(start_redis, fleet):
    services = fleet(2, start_redis().url, RATE_LIMIT_WINDOW_SECONDS=YEAR, TRUSTED_PROXIES="127.0.0.0/8")
    for count, service in enumerate(services * 2):
        for client in ("203.0.113.1", "2001:db8::1"):
            said = rate_limit(service.fib(10, fields={"X-Forwarded-For": client}))
            assert said.remaining == BUDGET - 1 - count


def test_keys_name_the_client_and_go_away_when_its_bucket_is_full(start_redis, fleet, address):
    redis = start_redis()
    (service,) = fleet(1, redis.url, RATE_LIMIT_WINDOW_SECONDS=1)
    service.fib(1_000_000, source=address)
    key = f"ratelimit:{{{address}}}"
    lifetime = int(redis.cli("PTTL", key).split()[-1])
    assert 0 < lifetime <= 1000 * oracle.cost(1_000_000) / BUDGET + 2
    wait_until(lambda: redis.cli("EXISTS", key).endswith("0"), 5, "the key is gone")


def test_refused_requests_do_not_reach_redis(start_redis, fleet, address):
    redis = start_redis()
    (service,) = fleet(1, redis.url, RATE_LIMIT_BUDGET=30, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    with service.connect(source=address) as connection:
        assert connection.request("/v1/fib?n=1000000").status == 200
        assert connection.request("/v1/fib?n=1000000").status == 429

        def calls() -> int:
            lines = redis.cli("INFO", "commandstats").splitlines()
            return sum(int(line.split("calls=")[1].split(",")[0]) for line in lines if "eval" in line.lower())

        before = calls()
        for _ in range(500):
            assert connection.request("/v1/fib?n=1000000").status == 429
        # Signs of life of the process are scripts, too.
        assert calls() - before <= 3
        assert connection.request("/v1/fib?n=100000").status == 200, "a smaller cost is still there"


def test_a_retry_after_the_time_that_is_given_succeeds(start_redis, fleet, address):
    services = fleet(2, start_redis().url, RATE_LIMIT_BUDGET=25, RATE_LIMIT_WINDOW_SECONDS=4)
    for service, other in (services, services[::-1]):
        while (response := service.fib(1_000_000, source=address)).status == 200:
            pass
        refused = time.monotonic()
        wait = int(response.field("Retry-After"))
        while other.fib(1_000_000, source=address).status == 429:
            assert time.monotonic() - refused < wait, "told to come back too early"
            time.sleep(0.002)
        assert time.monotonic() - refused > wait - 1.1, "told to come back more than a second late"


def test_a_refusal_tells_of_what_was_spent_since(start_redis, fleet, address):
    """Whoever spent it, here or at another process."""
    first, second = fleet(2, start_redis().url, RATE_LIMIT_BUDGET=40, RATE_LIMIT_WINDOW_SECONDS=20, **PATIENT)
    assert first.fib(1_000_000, source=address).status == 200
    refusal = first.fib(1_000_000, source=address)
    assert (refusal.status, rate_limit(refusal).remaining) == (429, 19)
    for _ in range(2):
        assert first.fib(100_000, source=address).status == 200
    assert rate_limit(first.fib(1_000_000, source=address)).remaining <= 14
    for _ in range(3):
        assert second.fib(100_000, source=address).status == 200
    time.sleep(1.1)
    first.fib(1_000_000, source=address)
    asked = time.monotonic()
    refusal = first.fib(1_000_000, source=address)
    wait = int(refusal.field("Retry-After"))
    while first.fib(1_000_000, source=address).status == 429:
        assert time.monotonic() - asked < wait + 0.1, "told to come back too early"
        time.sleep(0.01)
    assert wait - 1.1 < time.monotonic() - asked


def test_what_redis_refuses_is_decided_locally_and_told(start_redis, fleet, address):
    redis = start_redis("--maxmemory-policy", "noeviction")
    (service,) = fleet(1, redis.url, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    assert rate_limit(service.fib(10, source=address)).is_local
    state = service.admin("/readyz").json()
    assert (state["status"], state["rate_limit_redis"]) == ("degraded", "degraded")
    assert "OOM" in state["rate_limit_redis_reason"]
    # What is told for nothing is what would be charged.
    assert rate_limit(service.request("/v1/cost?n=1", source=address)).remaining == BUDGET - 1
    wait_until(lambda: "rate limits are local" in str(service.log()), 5, "the log says so")
    redis.cli("CONFIG", "SET", "maxmemory", "0")
    await_limiter(service, "connected", timeout=20)
    assert not rate_limit(service.fib(10, source=address)).is_local
    wait_until(lambda: "rate limits are shared again" in str(service.log()), 5, "the log says so")


def test_a_node_of_a_cluster_without_the_setting_is_told(start, request, address):
    cluster = RedisCluster()
    request.addfinalizer(cluster.close)
    cluster.start()
    service = start(REDIS_URL=cluster.nodes[0].url, RATE_LIMIT_BUDGET=BUDGET)
    for number in range(1, 20):
        assert service.fib(10, source=f"127.9.9.{number}").status == 200
    assert service.admin("/readyz").json()["rate_limit_redis"] == "degraded"


def test_rights_for_the_limiter_as_documented_are_enough(start_redis, start, address):
    redis = start_redis()
    rights = (
        "+evalsha +eval +time +get +set +pexpireat +zadd +zremrangebyscore +zcard +zrem +pexpire +ping +hello +auth"
    )
    redis.cli("ACL", "SETUSER", "limiter", "on", ">secret", "~ratelimit:*", "resetchannels", *rights.split())
    service = start(RATE_LIMIT_REDIS_URL=f"redis://limiter:secret@127.0.0.1:{redis.port}", RATE_LIMIT_BUDGET=50)
    await_limiter(service, "connected")
    assert not rate_limit(service.fib(10, source=address)).is_local
    time.sleep(1.5)
    assert service.admin("/readyz").json()["rate_limit_redis"] == "connected"


def test_a_fault_is_charged_without_waiting_for_redis(start_redis, fleet, address):
    (service,) = fleet(1, start_redis().url)
    response = service.request("/v1/fib?n=10", source=address, body=b"x" * 100_000)
    assert response.status == 413
    assert assert_charged(response, 1).is_local


def test_a_pipelined_flood_of_refusals_leaves_others_to_redis(start_redis, fleet, address):
    """Answers to a client that is refused cost no more than their turn on an event loop."""
    (service,) = fleet(1, start_redis().url, RATE_LIMIT_BUDGET=50, RATE_LIMIT_WINDOW_SECONDS=YEAR, LOG_LEVEL="warning")
    batch = request_bytes("/v1/fib?n=10") * 200
    finished = threading.Event()

    def flood() -> None:
        with service.connect(30, source=address) as connection:
            while not finished.is_set():
                connection.send(batch)
                answers = b""
                while answers.count(b"HTTP/1.1 ") < 200:
                    answers += connection.socket.recv(1 << 20)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    local = 0
    try:
        for number in range(1, 40):
            local += rate_limit(service.fib(10, source=f"127.8.8.{number}")).is_local
            time.sleep(0.02)
    finally:
        finished.set()
        for thread in threads:
            thread.join(30)
    assert local == 0
    assert service.admin("/readyz").json()["status"] == "ready"


def test_a_stalled_redis_delays_few_requests_by_little_and_none_fails(start_redis, fleet, address, figure):
    redis = start_redis()
    services = fleet(4, redis.url)
    clients = Clients(services, address).greedy(MIXED)
    time.sleep(1)
    clients.tally.durations.clear()
    redis.pause()
    time.sleep(3)
    durations = sorted(clients.tally.durations)
    during = clients.tally.local
    redis.resume()
    for service in services:
        await_limiter(service, "connected")
    wait_until(lambda: not any(is_local(service, address) for service in services), 10, "Redis decides again")
    time.sleep(1)
    tally = clients.stop()
    figure(
        f"Redis stalled: {len(durations)} requests, {sum(d > 0.02 for d in durations)} of them waited for it, "
        f"slowest {durations[-1] * 1e3:.0f} ms, median {durations[len(durations) // 2] * 1e3:.2f} ms"
    )
    assert set(tally.statuses) == {200, 429}
    assert during > 0, "nothing was decided locally"
    # Cache and limiter wait for 25 ms at most, and only until their breakers open. The machine may be slow, too.
    assert durations[int(len(durations) * 0.95)] < 0.025
    assert tally.admitted_by_redis <= tally.ceiling(BUDGET, WINDOW)
    # The shares together are another budget. They are full when Redis goes away.
    assert tally.admitted - tally.admitted_by_redis <= tally.ceiling(BUDGET, WINDOW)


def test_a_process_that_is_stopped_does_not_take_redis_for_slow(start_redis, fleet, figure):
    """As a container at its limit of CPU time is, for most of each tenth of a second."""
    redis = start_redis()
    (service,) = fleet(1, redis.url, RATE_LIMIT_BUDGET=AMPLE_BUDGET)
    crowd = [Clients([service], f"127.0.4.{number}").greedy([10]) for number in range(1, 9)]
    for turn in range(40):
        time.sleep(0.02 + 0.007 * (turn % 4))
        service.process.send_signal(signal.SIGSTOP)
        time.sleep(0.08)
        service.process.send_signal(signal.SIGCONT)
    tallies = [clients.stop() for clients in crowd]
    answered = sum(sum(tally.statuses.values()) for tally in tallies)
    local = sum(tally.local for tally in tallies)
    figure(f"stopped 40 times for 80 ms: {local} of {answered} requests were decided locally")
    # Redis answers at once. Where a decision is local, five failures in a row would make the next ones local, too.
    assert local <= answered * 0.02
    assert service.admin("/readyz").json()["rate_limit_redis"] == "connected"


def test_redis_may_be_killed_and_come_back(start_redis, fleet, address):
    redis = start_redis()
    services = fleet(4, redis.url, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    clients = Clients(services, address).greedy(MIXED)
    wait_until(lambda: clients.tally.admitted >= BUDGET, 30, "the budget is spent")
    redis.kill()
    wait_until(lambda: all(is_local(service, address) for service in services), 10, "each process decides for itself")
    time.sleep(2)
    # What no bucket gives back in a year: one budget from Redis, and one from all shares together.
    before = clients.tally.admitted
    assert 2 * BUDGET - 4 * len(services) <= before <= 2 * BUDGET
    redis.start()
    wait_until(lambda: not any(is_local(service, address) for service in services), 15, "Redis decides again")
    time.sleep(2)
    tally = clients.stop()
    # It kept nothing on disk: a new bucket, which those who were refused can spend, too.
    assert before + BUDGET - 4 * len(services) <= tally.admitted <= before + BUDGET
    assert set(tally.statuses) == {200, 429}


def test_without_redis_from_the_start_requests_are_served_and_limited(start, start_redis, address):
    redis = start_redis()
    redis.kill()
    service = start(REDIS_URL=redis.url, RATE_LIMIT_BUDGET=50, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    with service.connect(source=address) as connection:
        for count in range(50):
            response = connection.request("/v1/fib?n=10")
            assert response.status == 200
            said = rate_limit(response)
            assert (said.is_local, said.remaining) == (True, 49 - count)
        assert connection.request("/v1/fib?n=10").status == 429
    assert service.admin("/readyz").json()["status"] == "degraded"
    redis.start()
    await_limiter(service, "connected")
    assert not is_local(service, address)


def test_a_new_process_counts_in_redis_from_its_first_request_on(start_redis, start, address):
    redis = start_redis()
    settings = {"REDIS_URL": redis.url, "RATE_LIMIT_BUDGET": 10, "RATE_LIMIT_WINDOW_SECONDS": YEAR}
    for count in range(10):
        service = start(**settings)
        said = rate_limit(service.fib(10, source=address))
        assert (said.is_local, said.remaining) == (False, 9 - count)
        service.stop()


def test_the_limiter_may_have_a_redis_of_its_own(start_redis, start, address, tmp_path):
    cache, limiter = start_redis(), start_redis("--requirepass", "secret", password="secret")
    (tmp_path / "password").write_text("secret\n")
    service = start(
        REDIS_URL=cache.url,
        RATE_LIMIT_REDIS_URL=limiter.url,
        RATE_LIMIT_REDIS_PASSWORD_FILE=tmp_path / "password",
        RATE_LIMIT_BUDGET=BUDGET,
        RATE_LIMIT_WINDOW_SECONDS=YEAR,
    )
    assert not rate_limit(service.fib(60_000, source=address)).is_local
    assert limiter.cli("EXISTS", f"ratelimit:{{{address}}}").endswith("1")
    assert cache.cli("EXISTS", "fib:60000").endswith("1")
    assert cache.cli("KEYS", "ratelimit:*") == "" and limiter.cli("KEYS", "fib:*") == ""
    limiter.kill()
    wait_until(lambda: is_local(service, address), 10, "the limiter decides locally")
    state = service.admin("/readyz").json()
    assert (state["status"], state["redis"], state["rate_limit_redis"]) == ("degraded", "connected", "down")
    assert "secret" not in "\n".join(service.stdout.lines)

    def messages() -> list[str]:
        return [entry["message"] for entry in service.log()]

    wait_until(lambda: messages().count("rate limits are local") == 1, 5, "the log says so")
    assert "Redis is down" not in messages()


def test_a_malformed_url_of_the_limiters_redis_stops_the_start_and_is_not_shown():
    result = run_command("serve", timeout=10, RATE_LIMIT_REDIS_URL="http://:secret@h")
    assert result.returncode == 78
    assert result.stderr.startswith(b"fibonacci-api: RATE_LIMIT_REDIS_URL is malformed: expected redis://")
    assert b"secret" not in result.stderr


@pytest.fixture
def cluster() -> Iterator[RedisCluster]:
    running = RedisCluster(replicas=1)
    try:
        yield running.start()
    finally:
        running.close()


def test_a_cluster_of_three_masters_and_three_replicas(cluster, fleet, address, figure):
    """Clients are spread over the shards, each exact; a master's death costs no request an error."""
    services = fleet(4, cluster.nodes[0].url, REDIS_CLUSTER="true", **PATIENT)
    sources = [address.replace("127.", f"127.{number}", 1) for number in (1, 2)] + [address]
    clients = [Clients(services, source).greedy(MIXED) for source in sources]
    time.sleep(5)
    for one in clients:
        tally = one.tally
        tally.end = time.monotonic()
        ceiling = tally.ceiling(BUDGET, WINDOW)
        assert 0.97 * ceiling <= tally.admitted <= ceiling
        assert tally.local == 0
    cluster.nodes[1].kill()
    time.sleep(1)
    wait_until(
        lambda: not any(is_local(service, source) for service in services for source in sources),
        30,
        "a replica has taken over",
    )
    tallies = [one.stop() for one in clients]
    figure(f"3+3 cluster, a master killed: {[tally.statuses for tally in tallies]}")
    for tally in tallies:
        assert set(tally.statuses) == {200, 429}
        # What a master has not told its replica is forgotten: another budget at most, and one of all shares.
        assert tally.admitted <= 3 * BUDGET + 2 * RATE * tally.elapsed
