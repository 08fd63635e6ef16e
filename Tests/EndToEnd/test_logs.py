"""Every request is one line of JSON on stdout, whatever the client sends, and nobody waits for a log to be read."""

import json
import re
import subprocess
import time
import uuid

import pytest
from rawhttp import exchange, request_bytes
from service import Service

FIELDS = {"timestamp", "level", "message", "request_id", "route", "method", "status", "duration_ms", "client", "bytes"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FORGED = '{"level":"critical","message":"forged"}'


def entry_for(service, target: str | bytes, *, method: str = "GET", fields: dict | None = None) -> tuple[dict, object]:
    """Sends a request with an id of its own; returns its only log line and the answer."""
    identifier = uuid.uuid4().hex
    response = service.request(target, method=method, fields=(fields or {}) | {"X-Request-ID": identifier})
    entries = service.access_log(identifier)
    assert len(entries) == 1, entries
    return entries[0], response


@pytest.mark.parametrize(
    ("method", "target", "fields", "expected"),
    [
        ("GET", "/v1/fib?n=10", {}, {"route": "/v1/fib", "status": 200, "n": 10, "cost": 1, "cache": "hit"}),
        ("HEAD", "/v1/fib?n=10", {}, {"route": "/v1/fib", "status": 200, "n": 10}),
        (
            "GET",
            "/v1/fib?n=100000",
            {"If-None-Match": "*"},
            {"status": 304, "n": 100_000, "cost": 1, "cache": "validated"},
        ),
        ("GET", "/v1/fib?n=abc", {}, {"route": "/v1/fib", "status": 400}),
        ("GET", "/v1/fib?n=99999999", {}, {"route": "/v1/fib", "status": 422}),
        ("GET", "/v1/fib?n=10", {"Accept": "image/png"}, {"route": "/v1/fib", "status": 406}),
        ("POST", "/v1/fib?n=10", {}, {"route": "/v1/fib", "status": 405, "method": "POST"}),
        ("OPTIONS", "/v1/fib", {}, {"route": "/v1/fib", "status": 204}),
        ("GET", "/nothing/here", {}, {"route": "unmatched", "status": 404}),
        ("GET", "/docs", {}, {"route": "/docs", "status": 200}),
        ("GET", "/", {}, {"route": "/", "status": 200}),
        ("GET", "/healthz", {}, {"route": "/healthz", "status": 200}),
    ],
)
def test_a_request_is_one_line_with_its_facts(service, method, target, fields, expected):
    entry, response = entry_for(service, target, method=method, fields=fields)
    assert set(entry) >= FIELDS, FIELDS - set(entry)
    assert entry["message"] == "request"
    assert entry["method"] == method
    assert entry["client"] == "127.0.0.1"
    assert TIMESTAMP.fullmatch(entry["timestamp"]), entry["timestamp"]
    assert isinstance(entry["duration_ms"], (int, float)) and 0 <= entry["duration_ms"] < 10_000
    assert entry["bytes"] == len(response.body)
    assert entry.items() >= expected.items()


def test_the_first_request_for_a_value_is_logged_as_a_miss(service):
    assert entry_for(service, "/v1/fib?n=400019")[0]["cache"] == "miss"
    assert entry_for(service, "/v1/fib?n=400019")[0]["cache"] == "hit"


def test_a_bad_n_is_not_logged_as_n(service):
    """n is a number in the log or is not there."""
    assert "n" not in entry_for(service, "/v1/fib?n=abc")[0]


@pytest.mark.parametrize(
    ("data", "method", "route"),
    [(b"\x00garbage\r\n\r\n", "_OTHER", "unmatched"), (b"GET /v1/fib?n=10 HTTP/1.1\r\n\r\n", "GET", "/v1/fib")],
    ids=["garbage", "no Host"],
)
def test_what_is_no_http_request_is_logged_too(service, data, method, route):
    """With as much as could be read of it."""
    response = exchange(service.port, data)
    entry = service.access_log(response.json()["request_id"])[0]
    assert (entry["status"], entry["method"], entry["route"]) == (400, method, route)


def test_a_request_that_breaks_a_limit_keeps_its_identity(service):
    """Its request id and its path are in the problem, and a HEAD request gets no content."""
    fields = b"Host: a\r\nX-Request-ID: mine-413\r\nContent-Length: 70000\r\n\r\n"
    response = exchange(service.port, b"GET /v1/fib?n=10 HTTP/1.1\r\n" + fields)
    assert (response.status, response.field("X-Request-ID")) == (413, "mine-413")
    assert (response.json()["instance"], response.json()["request_id"]) == ("/v1/fib", "mine-413")
    head = exchange(service.port, b"HEAD /v1/fib?n=10 HTTP/1.1\r\n" + fields, method="HEAD")
    assert (head.status, head.body) == (413, b"")


@pytest.mark.parametrize(
    "target",
    [
        f"/{FORGED}",
        "/%0A" + FORGED,
        "/%0D%0A%0D%0A",
        "/%22%7D%0A%7B%22forged%22:true%7D",
        "/%00%1B%5B2J",
        "/%FF%FE%C0%80",
        "/%E2%80%A8%E2%80%A9",
        "/v1/fib?n=10&x=%0A" + FORGED,
        "/v1/fib?n=%22%0A" + FORGED,
    ],
)
def test_a_target_cannot_forge_a_line(service, target):
    entry, _ = entry_for(service, target)
    assert_nothing_forged(service)
    assert entry["route"] in ("unmatched", "/v1/fib"), "the path of a stranger is no route"


@pytest.mark.parametrize(
    "identifier", ['"}', '","level":"critical', "\\", "\\n" + FORGED, "a\\u000ab", '\\\\"', "{}[],:"]
)
def test_a_request_id_cannot_forge_a_line(service, identifier):
    service.fib(10, fields={"X-Request-ID": identifier})
    marker, _ = entry_for(service, "/healthz")
    entries = service.log()
    assert any(entry.get("request_id") == identifier for entry in entries)
    assert_nothing_forged(service)
    assert marker["level"] == "info"


@pytest.mark.parametrize("method", ["FOO", "F'O", "F|O", "X" * 100])
def test_a_method_cannot_forge_a_line(service, method):
    response = service.fib(10, method=method)
    service.access_log(response.field("X-Request-ID"))
    assert_nothing_forged(service)


def assert_nothing_forged(service) -> None:
    """Every line so far is an object, and none has the level or the message that was sent."""
    for entry in service.log():
        assert entry["level"] != "critical" and entry["message"] != "forged" and "forged" not in entry


def test_every_request_of_a_busy_connection_is_logged_once(start):
    service = start()
    with service.connect(30) as connection:
        for batch in range(20):
            identifiers = [f"request-{batch}-{index}" for index in range(50)]
            connection.send(
                b"".join(request_bytes("/v1/fib?n=10", fields={"X-Request-ID": one}) for one in identifiers)
            )
            for _ in identifiers:
                assert connection.read_response().status == 200
    service.stop()
    logged = [entry["request_id"] for entry in service.log() if entry["message"] == "request"]
    assert sorted(one for one in logged if one.startswith("request-")) == sorted(
        f"request-{batch}-{index}" for batch in range(20) for index in range(50)
    )


def test_the_log_level_silences_requests(start):
    service = start(LOG_LEVEL="error")
    service.fib(10)
    service.stop()
    assert [entry for entry in service.log() if entry["message"] == "request"] == []


def test_the_text_format_is_for_people(start):
    service = start(LOG_FORMAT="text")
    service.fib(10, fields={"X-Request-ID": "find-me"})
    service.stop()
    lines = [line for line in service.stdout.lines if "find-me" in line]
    assert len(lines) == 1
    with pytest.raises(ValueError):
        json.loads(lines[0])


def test_a_text_line_cannot_be_forged_either(start):
    service = start(LOG_FORMAT="text")
    service.request("/%0Aforged-line")
    service.fib("%0Aforged-line")
    service.stop()
    assert [line for line in service.stdout.lines if line.startswith("forged-line")] == []


def test_a_log_that_nobody_reads_holds_up_nobody(start, figure):
    """Stdout is a pipe that is full after a few hundred lines; twenty thousand requests are answered."""
    service: Service = start(read_stdout=False)
    batch = b"".join(request_bytes(f"/v1/fib?n={n}") for n in range(100))
    begin = time.monotonic()
    with service.connect(20) as connection:
        for _ in range(200):
            connection.send(batch)
            for _ in range(100):
                assert connection.read_response().status == 200
    figure(f"20 000 requests with a blocked log: {time.monotonic() - begin:.1f} s")
    assert service.readiness() == 200


def test_a_service_with_a_blocked_log_still_stops(start):
    service = start(read_stdout=False, SHUTDOWN_TIMEOUT_SECONDS=2)
    batch = request_bytes("/v1/fib?n=10") * 100
    with service.connect(20) as connection:
        for _ in range(20):
            connection.send(batch)
            for _ in range(100):
                connection.read_response()
    service.signal()
    try:
        service.process.wait(15)
    except subprocess.TimeoutExpired:
        pytest.fail("the service waits for its log to be read")


def test_a_log_whose_reader_is_gone_harms_nobody(start):
    """Writing to a closed pipe raises SIGPIPE or EPIPE: neither may end the service."""
    service = start(read_stdout=False)
    service.process.stdout.close()
    with service.connect() as connection:
        for _ in range(500):
            assert connection.request("/v1/fib?n=10").status == 200
    assert service.is_alive()
