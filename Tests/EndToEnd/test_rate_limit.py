"""The rate limit of one process: what each kind of request pays, what its answer says, and who pays it."""

import socket
import threading
import time

import oracle
import pytest
from checks import assert_charged, assert_common_fields, assert_problem, assert_value, cache_control, rate_limit
from conftest import make_service_fixture
from rawhttp import Response, request_bytes
from service import Service

YEAR = 31_536_000
BUDGET = 1_000
FIELDS = ("X-RateLimit-Cost", "X-RateLimit-Remaining", "RateLimit-Policy", "RateLimit")

# A token takes half a day to come back: what is left is what was not taken.
hourglass = make_service_fixture(
    "hourglass",
    "A service whose budgets do not come back within a test.",
    RATE_LIMIT_BUDGET=BUDGET,
    RATE_LIMIT_WINDOW_SECONDS=YEAR,
    TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8, 2001:db8:ffff::/48",
)


def remaining(service: Service, source: str) -> int:
    """What a client has left. To ask is free."""
    response = service.request("/v1/cost?n=0", source=source)
    assert response.status == 200
    return assert_charged(response, 0).remaining


def drain(service: Service, source: str, leave: int = 0) -> None:
    """Spends a client's budget but for `leave` tokens."""
    left = remaining(service, source)
    with service.connect(source=source) as connection:
        for n, cost in ((1_000_000, 21), (100_000, 3), (10, 1)):
            while left - cost >= leave:
                assert connection.request(f"/v1/fib?n={n}").status == 200
                left -= cost
    assert remaining(service, source) == leave


@pytest.mark.parametrize("n", [0, 10, 47_847, 47_848, 100_000, 1_000_000])
@pytest.mark.parametrize("representation", ["json", "text"])
def test_a_value_pays_its_cost_whether_or_not_it_is_cached(hourglass, address, n, representation):
    accept = {"json": "application/json", "text": "text/plain"}[representation]
    for already in range(2):
        response = hourglass.request(f"/v1/fib?n={n}", source=address, fields={"Accept": accept})
        assert_value(response, n, representation)
        said = assert_charged(response, oracle.cost(n))
        assert said.remaining == BUDGET - (already + 1) * oracle.cost(n)
        assert (said.budget, said.window) == (BUDGET, YEAR)
        assert remaining(hourglass, address) == said.remaining


ONE_TOKEN = [
    ("HEAD", 200, "/v1/fib?n=1000000", {}),
    ("HEAD", 200, "/v1/fib?n=10000000", {"Accept": "text/plain"}),
    ("HEAD", 400, "/v1/fib?n=x", {}),
    ("GET", 304, "/v1/fib?n=1000000", {"If-None-Match": oracle.etag(1_000_000, "json")}),
    ("GET", 304, "/v1/fib?n=1000000", {"If-None-Match": "*"}),
    ("HEAD", 304, "/v1/fib?n=1000000", {"If-None-Match": "*"}),
    ("GET", 412, "/v1/fib?n=1000000", {"If-Match": '"other"'}),
    ("GET", 406, "/v1/fib?n=1000000", {"Accept": "image/png"}),
    ("GET", 400, "/v1/fib", {}),
    ("GET", 400, "/v1/fib?n=", {}),
    ("GET", 400, "/v1/fib?n=-1", {}),
    ("GET", 400, "/v1/fib?n=1&n=1", {}),
    ("GET", 422, "/v1/fib?n=10000001", {}),
    ("GET", 422, "/v1/fib?n=" + "9" * 1000, {}),
    ("POST", 405, "/v1/fib?n=10", {}),
    ("DELETE", 405, "/v1/fib", {}),
]


@pytest.mark.parametrize(("method", "status", "target", "fields"), ONE_TOKEN)
def test_what_needs_no_number_pays_one_token(hourglass, address, method, status, target, fields):
    response = hourglass.request(target, method=method, source=address, fields=fields)
    assert response.status == status
    assert_common_fields(response)
    assert assert_charged(response, 1).remaining == BUDGET - 1
    assert remaining(hourglass, address) == BUDGET - 1


@pytest.mark.parametrize("fields", [{}, {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}])
def test_options_are_free_and_tell_what_is_left(hourglass, address, fields):
    hourglass.fib(10, source=address)
    response = hourglass.request("/v1/fib", method="OPTIONS", source=address, fields=fields)
    assert response.status == 204
    assert assert_charged(response, 0).remaining == BUDGET - 1


@pytest.mark.parametrize("target", ["/healthz", "/docs", "/openapi.json", "/", "/unknown", "/v1/fib/"])
def test_everything_else_is_free_and_says_nothing_of_budgets(hourglass, address, target):
    response = hourglass.request(target, source=address)
    assert response.status in (200, 404)
    assert [name for name in FIELDS if response.field(name) is not None] == []
    assert remaining(hourglass, address) == BUDGET


def test_a_request_with_too_large_a_body_pays_one_token(hourglass, address):
    response = hourglass.request("/v1/fib?n=10", source=address, body=b"x" * 100_000)
    assert response.status == 413
    assert_charged(response, 1)
    assert remaining(hourglass, address) == BUDGET - 1


@pytest.mark.parametrize("n", [0, 1, 78, 79, 47_847, 47_848, 100_000, 999_999, 10_000_000])
def test_a_dry_run_tells_the_cost_and_takes_nothing(hourglass, address, n):
    response = hourglass.request(f"/v1/cost?n={n}", source=address)
    assert (response.status, response.media_type) == (200, "application/json")
    assert response.body == f'{{"n":{n},"digits":{oracle.digit_count(n)},"cost":{oracle.cost(n)}}}'.encode()
    assert cache_control(response) == {"no-store"}
    assert_common_fields(response)
    assert assert_charged(response, 0).remaining == BUDGET
    head = hourglass.request(f"/v1/cost?n={n}", method="HEAD", source=address)
    assert (head.status, head.field("Content-Length")) == (200, str(len(response.body)))


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("", 400, "invalid-parameter"),
        ("?n=", 400, "invalid-parameter"),
        ("?n=1e3", 400, "invalid-parameter"),
        ("?n=010", 400, "invalid-parameter"),
        ("?n=1&n=2", 400, "invalid-parameter"),
        ("?n=10000001", 422, "n-too-large"),
    ],
)
def test_a_dry_run_validates_like_the_real_one_and_is_free(hourglass, address, query, status, slug):
    response = hourglass.request(f"/v1/cost{query}", source=address)
    assert_problem(response, slug, status, instance="/v1/cost")
    assert assert_charged(response, 0).remaining == BUDGET


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_dry_run_knows_the_usual_methods_only(hourglass, address, method):
    response = hourglass.request("/v1/cost?n=10", method=method, source=address)
    assert_problem(response, "method-not-allowed", 405)
    assert hourglass.request("/v1/cost", method="OPTIONS", source=address).status == 204


AFTER_THE_LIMITER = [
    ("GET", {}),
    ("HEAD", {}),
    ("GET", {"If-None-Match": "*"}),
    ("GET", {"If-Match": '"other"'}),
    ("GET", {"Accept": "text/plain"}),
]


@pytest.mark.parametrize(("method", "fields"), AFTER_THE_LIMITER)
def test_who_has_nothing_left_is_refused_before_preconditions_are_judged(hourglass, address, method, fields):
    drain(hourglass, address)
    response = hourglass.request("/v1/fib?n=10", method=method, source=address, fields=fields)
    assert response.status == 429
    said = assert_charged(response, 1)
    assert said.remaining == 0
    assert response.all("Retry-After") == [str(said.seconds)] and said.seconds >= 1
    if method == "GET":
        problem = assert_problem(response, "quota-exceeded", 429, instance="/v1/fib")
        assert (problem["cost"], problem["budget"]) == (1, BUDGET)


@pytest.mark.parametrize(
    ("target", "method", "fields", "status"),
    [
        ("/v1/fib?n=x", "GET", {}, 400),
        ("/v1/fib?n=10000001", "GET", {}, 422),
        ("/v1/fib?n=10", "GET", {"Accept": "image/png"}, 406),
        ("/v1/fib?n=10", "POST", {}, 405),
        ("/v1/fib", "OPTIONS", {}, 204),
        ("/v1/cost?n=10", "GET", {}, 200),
        ("/healthz", "GET", {}, 200),
        ("/docs", "GET", {}, 200),
    ],
)
def test_who_has_nothing_left_is_still_told_what_is_wrong_and_what_is_free(
    hourglass, address, target, method, fields, status
):
    drain(hourglass, address)
    response = hourglass.request(target, method=method, source=address, fields=fields)
    assert response.status == status
    if target.startswith("/v1/fib"):
        assert assert_charged(response, 0).remaining == 0


def test_a_refusal_takes_nothing(hourglass, address):
    drain(hourglass, address, leave=20)
    for _ in range(50):
        response = hourglass.fib(1_000_000, source=address)
        assert response.status == 429
        said = assert_charged(response, 21)
        assert said.remaining == 20
    assert hourglass.fib(100_000, source=address).status == 200
    assert remaining(hourglass, address) == 17


def test_a_cost_above_the_whole_budget_can_never_be_admitted(start, address):
    service = start(RATE_LIMIT_BUDGET=20, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    response = service.fib(1_000_000, source=address)
    problem = assert_problem(response, "cost-exceeds-budget", 422, instance="/v1/fib")
    assert (problem["cost"], problem["budget"]) == (21, 20)
    assert response.field("Retry-After") is None
    assert assert_charged(response, 1).remaining == 19
    # Neither of these needs the number, so neither costs as much.
    assert_charged(service.fib(1_000_000, method="HEAD", source=address), 1)
    revalidation = service.fib(1_000_000, source=address, fields={"If-None-Match": "*"})
    assert revalidation.status == 304
    assert_charged(revalidation, 1)
    assert service.request("/v1/cost?n=1000000", source=address).json()["cost"] == 21


def test_the_defaults_are_a_thousand_tokens_a_minute(start, address):
    service = start(RATE_LIMIT_BUDGET=None, RATE_LIMIT_WINDOW_SECONDS=None)
    response = service.fib(10, source=address)
    said = rate_limit(response)
    assert (said.budget, said.window, said.cost, said.remaining) == (1_000, 60, 1, 999)
    assert response.field("RateLimit-Policy") == '"default";q=1000;w=60'
    assert response.field("RateLimit") == '"default";r=999;t=1'
    assert response.field("X-RateLimit-Mode") is None


def test_a_budget_of_zero_limits_nobody(start, address):
    service = start(RATE_LIMIT_BUDGET=0)
    with service.connect(source=address) as connection:
        for _ in range(3_000):
            response = connection.request("/v1/fib?n=10")
            assert response.status == 200
    assert response.field("X-RateLimit-Cost") == "1"
    assert [name for name in FIELDS[1:] if response.field(name) is not None] == []
    assert service.request("/v1/cost?n=10").json() == {"n": 10, "digits": 2, "cost": 1}


@pytest.mark.parametrize("n", [10, 100_000, 1_000_000])
def test_a_retry_after_the_time_that_is_given_succeeds_and_a_second_earlier_does_not(start, address, n):
    cost = oracle.cost(n)
    service = start(RATE_LIMIT_BUDGET=25, RATE_LIMIT_WINDOW_SECONDS=4)
    with service.connect(source=address) as connection:
        # Refused requests take nothing, so asking all the time changes nothing.
        for _ in range(2):
            while (response := connection.request(f"/v1/fib?n={n}")).status == 200:
                pass
            refused = time.monotonic()
            wait = int(response.field("Retry-After"))
            assert assert_charged(response, cost).seconds == wait
            while connection.request(f"/v1/fib?n={n}").status == 429:
                assert time.monotonic() - refused < wait, "told to come back too early"
                time.sleep(0.002)
            assert time.monotonic() - refused > wait - 1.05, "told to come back more than a second late"


def test_the_bucket_is_full_after_the_time_that_is_given(start, address):
    service = start(RATE_LIMIT_BUDGET=30, RATE_LIMIT_WINDOW_SECONDS=3)
    said = assert_charged(service.fib(1_000_000, source=address), 21)
    assert said.seconds == 3, "21 tokens take 2.1 s"
    time.sleep(said.seconds)
    assert remaining(service, address) == 30


def test_a_client_at_95_percent_of_its_rate_is_never_refused(start, address):
    service = start(RATE_LIMIT_BUDGET=40, RATE_LIMIT_WINDOW_SECONDS=1)
    with service.connect(source=address) as connection:
        begin = time.monotonic()
        for count in range(5 * 38):
            due = begin + count / 38
            time.sleep(max(0.0, due - time.monotonic()))
            assert connection.request("/v1/fib?n=10").status == 200, f"after {count} requests"


def test_concurrent_requests_never_get_more_than_the_budget(hourglass, address):
    admitted = []

    def ask(n: int) -> None:
        with hourglass.connect(30, source=address) as connection:
            while (response := connection.request(f"/v1/fib?n={n}")).status == 200:
                admitted.append(rate_limit(response).cost)
        assert response.status == 429

    threads = [threading.Thread(target=ask, args=(n,)) for n in [10, 100_000, 200_000, 300_000] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(admitted) == BUDGET


def forwarded(service: Service, value: str | list[str], source: str = "127.0.0.1") -> Response:
    lines = [value] if isinstance(value, str) else value
    return service.fib(10, source=source, fields=[("X-Forwarded-For", line) for line in lines])


def spent(service: Service, value: str | list[str]) -> int:
    """How much the client behind a trusted proxy has spent, this request included."""
    return BUDGET - rate_limit(forwarded(service, value)).remaining


def test_clients_behind_a_trusted_proxy_have_budgets_of_their_own(hourglass):
    assert spent(hourglass, "203.0.113.1") == 1
    assert spent(hourglass, "203.0.113.2") == 1
    assert spent(hourglass, "203.0.113.1") == 2


@pytest.mark.parametrize(
    "value",
    [
        "198.51.100.9, 203.0.113.9",
        "10.1.2.3, 203.0.113.9",
        "garbage, 203.0.113.9",
        "203.0.113.9, 10.0.0.1",
        "203.0.113.9, 10.0.0.1, 10.255.255.255",
        "203.0.113.9, 2001:db8:ffff::1",
        ["198.51.100.1", "203.0.113.9"],
        ["198.51.100.1, 203.0.113.9", "10.0.0.1"],
        "::ffff:203.0.113.9",
        "203.0.113.9:4711",
        "[::ffff:203.0.113.9]:4711",
        " 203.0.113.9 ",
        "198.51.100.7, , 203.0.113.9,",
        ", ".join(["198.51.100.7"] * 20 + ["203.0.113.9"]),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(hourglass, value):
    before = spent(hourglass, "203.0.113.9")
    assert spent(hourglass, value) == before + 1, value


@pytest.mark.parametrize("value", ["garbage", "1.2.3.4.5", "256.1.1.1", "unknown", "_hidden", "1.2.3.4:x", '"1.2.3.4"'])
def test_a_malformed_entry_ends_the_walk_at_the_proxy_that_wrote_it(hourglass, value):
    before = spent(hourglass, "10.9.9.9")
    assert spent(hourglass, f"198.51.100.7, {value}, 10.9.9.9") == before + 1


def test_a_network_of_64_bits_is_one_client(hourglass):
    assert spent(hourglass, "2001:db8:1:2::1") == 1
    assert spent(hourglass, "2001:db8:1:2:ffff:ffff:ffff:ffff") == 2
    assert spent(hourglass, "2001:db8:1:3::1") == 1


def test_nobody_else_is_believed(hourglass, address):
    for number in range(5):
        said = rate_limit(forwarded(hourglass, f"203.0.113.{number}", source=address))
        assert said.remaining == BUDGET - 1 - number


def test_without_trusted_proxies_nobody_is_believed(start, address):
    service = start(RATE_LIMIT_BUDGET=BUDGET, RATE_LIMIT_WINDOW_SECONDS=YEAR)
    for number in range(5):
        assert rate_limit(forwarded(service, f"203.0.113.{number}", source=address)).remaining == BUDGET - 1 - number


def test_the_log_names_the_client_as_the_limiter_sees_it(hourglass, address):
    for value, source, name in (
        ("198.51.100.1, 203.0.113.77", "127.0.0.1", "203.0.113.77"),
        ("2001:db8:7:7:1::1", "127.0.0.1", "2001:db8:7:7::/64"),
        ("203.0.113.77", address, address),
    ):
        response = forwarded(hourglass, value, source=source)
        entry = hourglass.access_log(response.field("X-Request-ID"))[0]
        assert (entry["client"], entry["cost"]) == (name, 1)


def test_two_hundred_thousand_clients_cost_little_memory_and_stall_nobody(start, address, figure):
    service = start(TRUSTED_PROXIES="127.0.0.1", RATE_LIMIT_BUDGET=BUDGET, LOG_LEVEL="warning")
    before = service.resident_bytes()
    finished = threading.Event()
    durations = []

    def watch() -> None:
        with service.connect(source=address) as connection:
            while not finished.is_set():
                begin = time.monotonic()
                assert connection.request("/healthz").status == 200
                durations.append(time.monotonic() - begin)
                time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    batch = 200
    try:
        with service.connect(30) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            for first in range(0, 200_000, batch):
                connection.send(
                    b"".join(
                        request_bytes(
                            "/v1/fib?n=1",
                            method="HEAD",
                            fields={"X-Forwarded-For": f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}"},
                        )
                        for n in range(first, first + batch)
                    )
                )
                answers = b""
                while answers.count(b"\r\n\r\n") < batch:
                    answers += connection.socket.recv(1 << 20)
                assert answers.count(b"X-RateLimit-Remaining: 999\r\n") == batch
    finally:
        finished.set()
        watcher.join(10)
    grown = service.resident_bytes() - before
    durations.sort()
    p99 = durations[int(len(durations) * 0.99)]
    figure(f"200,000 clients: {grown / 2**20:.1f} MiB more, another request's p99 {p99 * 1e3:.1f} ms")
    assert grown < 60e6
    assert p99 < 0.25
