"""What /metrics says is what happened, in the formats that Prometheus reads, in few series."""

import re
import subprocess
import threading
import time
from collections import Counter

import pytest
from checks import assert_problem
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from rawhttp import exchange
from redis_server import RedisServer, require
from service import Service, wait_until

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
Labels = frozenset[tuple[str, str]]


def scrape(service: Service, accept: str | None = None) -> str:
    fields = {"Accept": accept} if accept else {}
    response = service.admin("/metrics", fields=fields)
    assert response.status == 200
    return response.body.decode()


def samples(service: Service, name: str) -> dict[Labels, float]:
    """The samples of that name, by their labels."""
    families = parse_text(scrape(service))
    return {
        frozenset(sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def value(service: Service, name: str, **labels: str) -> float:
    """The sum of the samples of that name which have these labels."""
    wanted = set(labels.items())
    return sum(number for key, number in samples(service, name).items() if wanted <= key)


def counts(service: Service) -> Counter:
    """Requests by method, route and status."""
    found = Counter()
    for key, number in samples(service, "http_server_request_duration_seconds_count").items():
        labels = dict(key)
        place = (labels["http_request_method"], labels["http_route"], int(labels["http_response_status_code"]))
        found[place] = int(number)
    return found


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS_ACCEPT, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(service, accept, content_type):
    fields = {"Accept": accept} if accept else {}
    response = service.admin("/metrics", fields=fields)
    assert (response.status, response.field("Content-Type")) == (200, content_type)
    assert response.field("Content-Length") == str(len(response.body))
    parser = parse_openmetrics if "openmetrics" in content_type else parse_text
    names = {family.name for family in parser(response.body.decode())}
    assert {"fib_compute_duration_seconds", "process_resident_memory_bytes", "fib_build_info"} <= names
    head = service.admin("/metrics", method="HEAD", fields=fields)
    assert (head.status, head.body) == (200, b"")


def test_promtool_has_nothing_to_say(start, request):
    redis = RedisServer().start()
    request.addfinalizer(redis.close)
    service = start(REDIS_URL=redis.url)
    for target in ("/v1/fib?n=10", "/v1/fib?n=100000", "/v1/fib?n=x", "/docs", "/nothing"):
        service.request(target)
    result = subprocess.run(
        [require("promtool", "prometheus"), "check", "metrics"],
        input=scrape(service).encode(),
        capture_output=True,
        timeout=30,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_metrics_are_for_operators_only(service):
    assert_problem(service.request("/metrics"), "not-found", 404)
    assert service.admin("/metrics", method="POST").status == 405
    assert service.admin("/metrics", method="OPTIONS").status == 204


def test_metrics_may_be_switched_off(start):
    service = start(OTEL_METRICS_EXPORTER="none")
    assert service.fib(10).status == 200
    assert service.admin("/metrics").status == 404


def test_counts_by_status_are_what_was_sent(start, address):
    """Errors included, whoever found them: handlers, the limiter or the parser."""
    service = start(RATE_LIMIT_BUDGET=50, RATE_LIMIT_WINDOW_SECONDS=31_536_000, HTTP_REQUEST_TIMEOUT_SECONDS=1)
    sent = Counter()

    def send(times: int, method: str, route: str, target: str, expected: int, **parts) -> None:
        for _ in range(times):
            response = service.request(target, method=method, **parts)
            assert response.status == expected, (target, response.status)
        sent[method, route, expected] += times

    fib = "/v1/fib"
    send(7, "GET", fib, "/v1/fib?n=10", 200)
    send(1, "HEAD", fib, "/v1/fib?n=10", 200)
    send(2, "GET", fib, "/v1/fib?n=10", 304, fields={"If-None-Match": "*"})
    send(3, "GET", fib, "/v1/fib?n=-1", 400)
    send(2, "GET", fib, "/v1/fib?n=99999999999", 422)
    send(1, "GET", fib, "/v1/fib?n=10000000", 422)
    send(2, "GET", fib, "/v1/fib?n=10", 406, fields={"Accept": "image/png"})
    send(1, "GET", fib, "/v1/fib?n=10", 412, fields={"If-Match": '"x"'})
    send(2, "POST", fib, "/v1/fib?n=10", 405)
    send(3, "OPTIONS", fib, "/v1/fib", 204)
    send(1, "GET", fib, "/v1/fib?n=10", 413, body=b"x" * 100_000)
    send(1, "GET", fib, "/v1/fib?n=900000", 200)
    send(4, "GET", fib, "/v1/fib?n=900000", 429)
    send(2, "GET", "/v1/cost", "/v1/cost?n=10", 200)
    send(2, "GET", "/docs", "/docs", 200)
    send(1, "GET", "/", "/", 200)
    send(1, "GET", "/openapi.json", "/openapi.json", 200)
    send(1, "GET", "/healthz", "/healthz", 200)
    send(5, "GET", "unmatched", "/nothing", 404)
    send(1, "DELETE", "unmatched", "/nothing", 404)
    for method in ("FOO", "BREW", "get"):
        assert exchange(service.port, f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode()).status == 501
    sent["_OTHER", "unmatched", 501] = 3
    assert exchange(service.port, b"GET / HTTP/3.0\r\nHost: a\r\n\r\n").status == 505
    assert exchange(service.port, b"\x16\x03\x01\x02\x00\r\n\r\n").status == 400
    with service.connect() as slow:
        slow.send(b"GET /v1/fib?n=1 HTTP/1.1\r\n")
        assert slow.read_response().status == 408
    found = counts(service)
    # What could not be read has no method or route that a test should rely on.
    assert (
        sum(found.pop(place) for place in list(found) if place[2] in (505, 408) or place[1:] == ("unmatched", 400)) == 3
    )
    assert {place: number for place, number in found.items() if number} == sent
    assert value(service, "http_server_active_requests") == 0
    assert value(service, "fib_ratelimit_decisions_total", decision="refused", mode="global") == 4
    assert value(service, "fib_ratelimit_decisions_total", decision="exceeds_budget") == 1
    spent = 50 - int(service.request("/v1/cost?n=0").field("X-RateLimit-Remaining"))
    assert value(service, "fib_ratelimit_cost_total") == spent


def test_thousands_of_numbers_clients_and_paths_add_no_series(start, address):
    service = start(TRUSTED_PROXIES="127.0.0.1", LOG_LEVEL="warning")
    with service.connect() as connection:
        connection.request("/v1/fib?n=1")
        connection.request("/x")
        before = len(scrape(service).splitlines())
        for n in range(5_000):
            fields = {"X-Forwarded-For": f"11.0.{n >> 8}.{n & 255}", "X-Request-ID": f"id-{n}"}
            assert connection.request(f"/v1/fib?n={n}", fields=fields).status == 200
            assert connection.request(f"/x{n}?y={n}").status == 404
    assert len(scrape(service).splitlines()) == before
    assert value(service, "prometheus_metrics_overflow_total") == 0
    assert value(service, "prometheus_metrics_conflicts_total") == 0


def test_the_cache_and_the_compute_threads_are_counted(start):
    service = start(COMPUTE_THREADS=1)
    for _ in range(3):
        service.fib(300_000)
    service.fib(300_000, method="HEAD")
    service.fib(40_000)
    assert value(service, "fib_cache_requests_total", tier="memory", result="hit") == 2
    assert value(service, "fib_cache_requests_total", tier="memory", result="miss") == 2
    assert value(service, "fib_compute_duration_seconds_count") == 1
    assert 0 < value(service, "fib_compute_duration_seconds_sum") < 5
    assert value(service, "fib_compute_threads") == 1
    assert value(service, "fib_cache_entries") == 102
    assert 60_000 < value(service, "fib_cache_bytes") < value(service, "fib_cache_capacity_bytes")


def test_a_hundred_callers_of_one_number_are_one_computation(start):
    service = start(COMPUTE_THREADS=1)
    threads = [threading.Thread(target=service.fib, args=(9_000_000,), kwargs={"timeout": 30}) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert value(service, "fib_compute_duration_seconds_count") == 1
    collapsed = value(service, "fib_cache_collapsed_total")
    hits = value(service, "fib_cache_requests_total", tier="memory", result="hit")
    assert collapsed + hits == 49


def test_redis_is_measured(start, request):
    redis = RedisServer().start()
    request.addfinalizer(redis.close)
    first, second = start(REDIS_URL=redis.url), start(REDIS_URL=redis.url)
    for service in (first, second):
        wait_until(lambda service=service: value(service, "fib_redis_up", client="cache") == 1, 10, "Redis is up")
    first.fib(2_000)
    second.fib(2_000)
    redis.cli("SET", "fib:3000", "123")
    first.fib(3_000)
    assert value(first, "fib_cache_requests_total", tier="redis", result="miss") == 1
    assert value(second, "fib_cache_requests_total", tier="redis", result="hit") == 1
    assert value(first, "fib_cache_requests_total", tier="redis", result="invalid") == 1
    assert value(first, "fib_integrity_failures_total", where="redis") == 1
    assert value(first, "fib_redis_state", client="rate_limit", state="connected") == 1
    assert value(first, "db_client_operation_duration_seconds_count", db_operation_name="GET", error_type="") >= 2
    wait_until(lambda: value(first, "fib_ratelimit_processes") == 2, 10, "each knows of the other")
    redis.kill()
    wait_until(lambda: value(first, "fib_redis_up") == 0, 10, "both clients notice")
    assert value(first, "fib_redis_state", state="down") == 2
    assert value(first, "fib_redis_connection_failures_total", client="cache") >= 1
    first.fib(10)
    assert value(first, "fib_ratelimit_decisions_total", decision="allowed", mode="local") == 1


def test_without_redis_there_are_no_series_about_it(service):
    assert not re.search(r"^(fib_redis|db_client)", scrape(service), re.MULTILINE)


def test_the_process_is_described(service):
    assert value(service, "process_start_time_seconds") == pytest.approx(time.time(), abs=3_600)
    assert value(service, "process_resident_memory_bytes") == pytest.approx(service.resident_bytes(), rel=0.3)
    assert value(service, "process_open_fds") > 5
    assert value(service, "process_threads") > 2
    assert value(service, "process_cpu_seconds_total") > 0
    assert value(service, "fib_ready") == 1
    (labels,) = samples(service, "fib_build_info")
    version = service.admin("/version").json()
    assert dict(labels)["version"] == version["version"]
    assert dict(labels)["kernel"] == version["kernel"]


def test_lost_log_lines_are_counted(start):
    """Nobody reads the pipe."""
    service = start(read_stdout=False)
    with service.connect() as connection:
        for _ in range(20_000):
            connection.request("/healthz")
    wait_until(lambda: value(service, "fib_log_lines_dropped_total") > 0, 10, "lines are dropped")
    service.kill()


def test_the_first_failures_of_a_process_show_as_an_increase(start):
    """Their series are there before they happen."""
    found = counts(start())
    assert found["GET", "/v1/fib", 503] == found["GET", "/v1/fib", 500] == 0
    assert ("GET", "/v1/fib", 503) in found


def test_scrapes_under_load_are_consistent(start):
    """Each histogram's buckets grow, and the last is the count, whatever is recorded meanwhile."""
    service = start()
    finished = threading.Event()

    def load() -> None:
        with service.connect() as connection:
            while not finished.is_set():
                connection.request("/v1/fib?n=10")

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            for family in parse_text(scrape(service)):
                if family.type != "histogram":
                    continue
                series: dict[Labels, list[tuple[float, float]]] = {}
                totals: dict[Labels, float] = {}
                for sample in family.samples:
                    labels = frozenset((key, label) for key, label in sample.labels.items() if key != "le")
                    if sample.name.endswith("_bucket"):
                        series.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
                    elif sample.name.endswith("_count"):
                        totals[labels] = sample.value
                for labels, buckets in series.items():
                    numbers = [number for _, number in sorted(buckets)]
                    assert numbers == sorted(numbers)
                    assert numbers[-1] == totals[labels]
    finally:
        finished.set()
        for thread in threads:
            thread.join(10)
