"""Caches in front of the service answer as it would, seldom ask it, and never show one client what is another's."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import ssl
import threading
import time

import oracle
import pytest
from checks import ACCEPT, CONTENT_TYPE, rate_limit
from edge import CLIENT_FIELDS, Chain, Edge, Nginx, ShortLived, cache_statuses, own, requests_that_reached
from rawhttp import Response, request_bytes
from redis_server import make_certificates
from service import AMPLE_BUDGET, wait_until
from slow_proxy import SlowProxy

LIFETIME = 86_400
YEAR = 31_536_000
HEAVY = 100_000_000
identifiers = itertools.count()


def identifier() -> str:
    """A request identifier of its own, by which the service's log tells whether a request came that far."""
    return f"edge-test-{next(identifiers)}"


def assert_right(response: Response, n: int, representation: str = "json", *, head: bool = False) -> None:
    """A 200 for n with every field that belongs to the value, whoever it came from."""
    assert response.status == 200, (response.status, response.body[:300])
    assert response.field("Content-Type") == CONTENT_TYPE[representation]
    assert response.all("Content-Length") == [str(oracle.content_length(n, representation))]
    assert response.all("ETag") == [oracle.etag(n, representation)]
    assert response.field("X-Precision") == oracle.precision(n)
    assert response.members("Vary") == ["accept"]
    assert response.field("Access-Control-Allow-Origin") == "*"
    assert response.field("Content-Encoding") is None
    assert response.field("Accept-Ranges") is None
    assert len(response.all("X-Request-ID")) == 1
    same = response.body == (b"" if head else oracle.body(n, representation))
    assert same, f"wrong digits for n = {n}: {response.body[:80]!r}…"


def assert_hit(response: Response) -> None:
    """From the cache, and nothing in it of the client whom it was made for."""
    assert own(response).get("hit") is True, response.all("Cache-Status")
    assert [name for name in (*CLIENT_FIELDS, "X-RateLimit-Mode") if response.field(name) is not None] == []


def same_answer(at_edge: Response, at_origin: Response) -> bool:
    """Whether a client gets the same from both. The instance of a problem and its request are of the request."""
    if at_edge.status != at_origin.status:
        return False
    if at_origin.status in (200, 304):
        names = ("Content-Type", "ETag", "X-Precision", "Cache-Control") if at_origin.status == 200 else ("ETag",)
        same = all(at_edge.field(name) == at_origin.field(name) for name in names)
        return same and at_edge.body == at_origin.body
    if at_edge.media_type != at_origin.media_type or at_edge.field("Cache-Control") != "no-store":
        return False
    return not at_origin.body or at_edge.json()["type"] == at_origin.json()["type"]


@pytest.mark.parametrize("representation", ["json", "text"])
def test_the_second_request_never_reaches_the_service(edge, origin, address, n, representation):
    first, second = identifier(), identifier()
    accept = {"Accept": ACCEPT[representation]}
    miss = edge.fib(n, source=address, fields=accept | {"X-Request-ID": first})
    assert_right(miss, n, representation)
    assert own(miss)["fwd"] == "miss" and own(miss)["stored"] is True and own(miss)["fwd-status"] == 200
    assert rate_limit(miss).cost == 1
    assert miss.field("Age") is None

    hit = edge.fib(n, source=address, fields=accept | {"X-Request-ID": second})
    assert_right(hit, n, representation)
    assert_hit(hit)
    assert [entry["request_id"] for entry in requests_that_reached(origin, first, second)] == [first]


def test_documents_are_cached_too(edge, origin):
    for target in ("/", "/docs", "/openapi.json"):
        again = identifier()
        edge.request(target)
        response = edge.request(target, fields={"X-Request-ID": again})
        assert_hit(response)
        assert response.body == origin.request(target).body
        assert requests_that_reached(origin, again) == []


def test_what_is_not_for_caches_always_reaches_the_service(edge, origin, address):
    for target in ("/healthz", "/v1/cost?n=10"):
        for _ in range(2):
            asked = identifier()
            response = edge.request(target, source=address, fields={"X-Request-ID": asked})
            assert response.status == 200 and "hit" not in own(response)
            assert len(requests_that_reached(origin, asked)) == 1


def test_a_hit_costs_nothing_and_shows_nobody_elses_budget(edge, origin, address, n):
    edge.fib(n, source="127.250.0.1")
    for _ in range(3):
        assert_hit(edge.fib(n, source=address))
    assert origin.request("/v1/cost?n=0", source=address).field("X-RateLimit-Remaining") == "1000"


def test_every_answer_has_the_identifier_of_its_own_request(edge, n):
    first, second = identifier(), identifier()
    assert edge.fib(n, fields={"X-Request-ID": first}).all("X-Request-ID") == [first]
    assert edge.fib(n, fields={"X-Request-ID": second}).all("X-Request-ID") == [second]
    made = [edge.fib(n, fields={"X-Request-ID": value}).field("X-Request-ID") for value in ("", "a b", "x" * 129, "é")]
    assert len(set(made)) == 4
    assert all(re.fullmatch(r"[0-9a-f-]{10,64}", value) for value in made), made


def test_age_and_cache_status_are_right(edge, n):
    """The service's member comes first; lifetime is what its age has left of it."""
    begin = time.time()
    miss = edge.fib(n)
    names = [name for name, _ in cache_statuses(miss)]
    assert names[0] == "fibonacci-api" and names[-1] == edge.name and len(names) == len(set(names))
    assert cache_statuses(miss)[0][1]["fwd"] == "uri-miss"

    def aged() -> Response | None:
        response = edge.fib(n)
        return response if int(response.field("Age")) >= 1 else None

    hit = wait_until(aged, 10, "an age of a second", interval=0.1)
    age = int(hit.field("Age"))
    assert len(hit.all("Age")) == 1 and age <= time.time() - begin + 1
    assert_hit(hit)
    assert own(hit)["ttl"] == pytest.approx(LIFETIME - age, abs=1)
    assert [name for name, _ in cache_statuses(hit)] == names
    assert cache_statuses(hit)[:-1] == cache_statuses(miss)[:-1], "the members of others are as they were stored"


def test_an_age_counts_from_the_service_through_two_caches(origin, n):
    edge = Chain(origin.port)
    try:
        edge.start()
        edge.inner.fib(n)
        begin = time.monotonic()

        def aged() -> Response | None:
            response = edge.inner.fib(n)
            return response if int(response.field("Age")) >= 1 else None

        wait_until(aged, 10, "an age of a second", interval=0.1)
        for status in ("fwd", "hit", "hit"):
            response = edge.fib(n)
            assert_right(response, n)
            assert status in own(response)
            assert 1 <= int(response.field("Age")) <= time.monotonic() - begin + 2
            assert len(response.all("Age")) == 1
            assert [name for name, _ in cache_statuses(response)] == ["fibonacci-api", "edge-varnish", "edge-nginx"]
            assert [name for name in CLIENT_FIELDS if response.field(name) is not None] == []
    finally:
        edge.close()


TAGS = {
    "the tag": '"fib-v1-json-{n}"',
    "the weak tag": 'W/"fib-v1-json-{n}"',
    "a list": '"a", "fib-v1-json-{n}", "b"',
    "a weak one in a list": '"a",W/"fib-v1-json-{n}"',
    "another tag": '"other"',
    "the tag of text": '"fib-v1-text-{n}"',
    "a longer tag": '"fib-v1-json-{n}0"',
    "the tag inside another": '"x fib-v1-json-{n} y"',
    "a quoted star": '"*"',
    "an empty tag": '""',
}
NO_TAGS = {
    "anything": "*",
    "anything and more": '*, "a"',
    "a bare tag": "fib-v1-json-{n}",
    "garbage": "}}{{;=",
    "an open quotation": '"fib-v1-json-{n}',
    "something behind the tag": '"fib-v1-json-{n}" "x',
    "something before the tag": 'x"fib-v1-json-{n}"',
    "the tag between two": '"a"fib-v1-json-{n}"b"',
    "a lower-case weak mark": 'w/"fib-v1-json-{n}"',
    "empty members": ', "fib-v1-json-{n}",',
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_revalidates_at_the_edge(edge, origin, address, n, method):
    """A list of tags is judged without the service, anything else by the service; both as the service would."""
    edge.fib(n, source=address)
    for label, text in (TAGS | NO_TAGS).items():
        asked = identifier()
        fields = {"If-None-Match": text.format(n=n)}
        response = edge.fib(n, method=method, source=address, fields=fields | {"X-Request-ID": asked})
        assert response.status == origin.fib(n, method=method, source=address, fields=fields).status, label
        if response.status == 304:
            assert response.all("ETag") == [oracle.etag(n, "json")]
            assert response.members("Vary") == ["accept"]
            assert response.body == b"" and response.field("Content-Length") is None
        else:
            assert_right(response, n, head=method == "HEAD")
        assert (requests_that_reached(origin, asked) == []) == (label in TAGS), label
        if label in TAGS:
            assert_hit(response)


def test_a_conditional_request_for_what_is_not_cached_poisons_nothing(edge, address, n):
    response = edge.fib(n, source=address, fields={"If-None-Match": oracle.etag(n, "json")})
    assert response.status == 304
    assert_right(edge.fib(n, source=address), n)
    assert_right(edge.fib(n, source=address), n)


@pytest.mark.parametrize(
    "fields",
    [
        {"If-Match": '"fib-v1-json-{n}"'},
        {"If-Match": "*"},
        {"If-Match": ""},
        {"If-Match": '"other"'},
        {"If-Match": 'W/"fib-v1-json-{n}"'},
        {"If-Match": '"other"', "If-None-Match": '"fib-v1-json-{n}"'},
        {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"If-Modified-Since": "Fri, 21 Oct 2039 07:28:00 GMT"},
        {"If-Modified-Since": "Fri, 21 Oct 2039 07:28:00 GMT", "If-None-Match": '"fib-v1-json-{n}"'},
    ],
)
def test_other_preconditions_are_judged_as_the_service_does(edge, origin, address, n, fields):
    fields = {name: value.format(n=n) for name, value in fields.items()}
    for _ in range(2):
        assert same_answer(edge.fib(n, source=address, fields=fields), origin.fib(n, source=address, fields=fields))
        assert_right(edge.fib(n, source=address), n)


def test_head_does_not_poison_and_is_answered_from_the_cache(edge, origin, address, n):
    first, last = identifier(), identifier()
    cold = edge.fib(n, method="HEAD", source=address, fields={"X-Request-ID": first})
    assert_right(cold, n, head=True)
    assert [entry["method"] for entry in requests_that_reached(origin, first)] == ["HEAD"], "it would be computed"
    assert_right(edge.fib(n, source=address), n)
    warm = edge.fib(n, method="HEAD", source=address, fields={"X-Request-ID": last})
    assert_right(warm, n, head=True)
    assert_hit(warm)
    assert requests_that_reached(origin, last) == []


def test_head_of_a_large_value_computes_nothing(edge, address):
    response = edge.fib(9_999_991, method="HEAD", source=address)
    assert_right(response, 9_999_991, head=True)
    assert rate_limit(response).cost == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Range": "bytes=0-3"},
        {"Range": "bytes=5-"},
        {"Range": "bytes=-1"},
        {"Range": "bytes=0-1,3-4"},
        {"Range": "bytes=999999-"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=0-3", "If-Range": '"fib-v1-json-{n}"'},
    ],
)
def test_range_is_left_alone(edge, n, fields):
    """The service ignores it, so both get the whole value, cold and warm, GET and HEAD."""
    fields = {name: value.format(n=n) for name, value in fields.items()}
    for method in ("GET", "GET", "HEAD"):
        response = edge.fib(n, method=method, fields=fields)
        assert_right(response, n, head=method == "HEAD")
        assert response.field("Content-Range") is None
    assert_right(edge.fib(n), n)


REFUSED = [
    ("GET", 404, "/v1/fib/?n={n}", {}),
    ("GET", 404, "/v1/FIB?n={n}", {}),
    ("GET", 404, "//v1/fib?n={n}", {}),
    ("GET", 400, "/v1/fib", {}),
    ("GET", 400, "/v1/fib?n=", {}),
    ("GET", 400, "/v1/fib?n=0{n}", {}),
    ("GET", 400, "/v1/fib?N={n}", {}),
    ("GET", 400, "/v1/fib?n={n}&n={n}", {}),
    ("GET", 400, "/v1/fib?n=+{n}", {}),
    ("POST", 405, "/v1/fib?n={n}", {}),
    ("DELETE", 405, "/v1/fib?n={n}", {}),
    ("GET", 406, "/v1/fib?n={n}", {"Accept": "image/png"}),
    ("GET", 406, "/v1/fib?n={n}", {"Accept": "application/json;q=0"}),
    ("HEAD", 406, "/v1/fib?n={n}", {"Accept": "image/png"}),
    ("GET", 412, "/v1/fib?n={n}", {"If-Match": '"other"'}),
    ("GET", 422, "/v1/fib?n=9{n}00000", {}),
    ("GET", 422, "/v1/fib?n=99999999999999{n}", {}),
]


@pytest.mark.parametrize(("method", "status", "target", "fields"), REFUSED)
def test_refusals_are_never_cached(edge, origin, address, n, method, status, target, fields):
    """Each reaches the service, and the next good request gets the good answer at once."""
    for attempt in range(3):
        asked = identifier()
        sent = fields | {"X-Request-ID": asked}
        response = edge.request(target.format(n=n), method=method, source=address, fields=sent)
        direct = origin.request(target.format(n=n), method=method, source=address, fields=fields)
        assert response.status == status and same_answer(response, direct)
        assert len(requests_that_reached(origin, asked)) == 1, attempt
        assert response.field("Age") is None
        if attempt:
            assert_right(edge.fib(n, source=address), n)


def test_a_429_is_never_cached(edge, origin, address, n):
    """The service refuses who has nothing left; the next client gets the value, and from then on everybody does."""
    other = f"127.251.{n // 250 % 250}.{1 + n % 250}"
    with origin.connect(source=address) as connection:
        while int(connection.request("/v1/fib?n=1000000").field("X-RateLimit-Remaining")) >= 21:
            pass
        while connection.request("/v1/fib?n=10").status == 200:
            pass
    for _ in range(3):
        asked = identifier()
        response = edge.fib(n, source=address, fields={"X-Request-ID": asked})
        assert response.status == 429
        assert response.field("Retry-After").isdigit() and rate_limit(response).remaining == 0
        assert [entry["client"] for entry in requests_that_reached(origin, asked)] == [address]
    assert_right(edge.fib(n, source=other), n)
    hit = edge.fib(n, source=address)
    assert_right(hit, n)
    assert_hit(hit)


def test_a_503_is_never_cached(start, start_edge):
    """A service with one thread and room for one heavy value to wait is kept busy."""
    room = oracle.cost(HEAVY) + 1
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=room, FIB_MAX_N=10 * HEAVY, TRUSTED_PROXIES="127.0.0.1")
    edge = start_edge(service.port)
    numbers, heavy = itertools.count(2_000_003), itertools.count(HEAVY)
    over = threading.Event()

    def occupy() -> None:
        with service.connect(60) as connection:
            while not over.is_set():
                connection.request(f"/v1/fib?n={next(heavy)}", fields={"Accept": "text/plain"})

    threads = [threading.Thread(target=occupy) for _ in range(3)]
    for thread in threads:
        thread.start()

    def refused() -> int | None:
        number = next(numbers)
        response = edge.fib(number)
        assert response.status in (200, 503)
        return number if response.status == 503 else None

    try:
        number = wait_until(refused, 30, "a refusal")
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert_right(edge.fib(number), number)
    assert_hit(edge.fib(number))


def test_query_strings_in_other_spellings_poison_nothing(edge, origin, address, n):
    digits = "".join(f"%3{digit}" for digit in str(n))
    spellings = [
        f"/v1/fib?n={n}&x=1",
        f"/v1/fib?x=1&n={n}",
        f"/v1/fib?n={digits}",
        f"/v1/fib?%6e={n}",
        f"/v1/%66ib?n={n}",
        f"/v1/fib?n={n}&",
        f"/v1/fib?n={n}%00",
        f"/v1/fib?n={n}%20",
        f"/v1/fib?n={n};x=1",
        f"/v1/fib?n={n}?",
        f"/v1/fib?n={n}&n=1",
        f"/v1/./fib?n={n}",
        f"/v1/x/../fib?n={n}",
        f"/v1//fib?n={n}",
        f"/v1/fib%3fn={n}",
    ]
    for spelling in spellings:
        for _ in range(2):
            asked = identifier()
            response = edge.request(spelling, source=address, fields={"X-Request-ID": asked})
            direct = origin.request(spelling, source=address)
            assert same_answer(response, direct), (spelling, response.status, direct.status)
            assert len(requests_that_reached(origin, asked)) == 1, spelling
    fragment = edge.request(f"/v1/fib?n={n}#", source=address)
    assert fragment.status in (200, 400)
    first = edge.fib(n, source=address)
    assert_right(first, n)
    assert "hit" not in own(first) or fragment.status == 200


def test_clients_cannot_make_the_edge_ask_again(edge, origin, n):
    edge.fib(n)
    for value in ("no-cache", "max-age=0", "no-store", "only-if-cached"):
        asked = identifier()
        fields = {"Cache-Control": value, "Pragma": "no-cache", "X-Request-ID": asked}
        assert_hit(edge.fib(n, fields=fields))
        assert requests_that_reached(origin, asked) == []


@pytest.mark.parametrize("representation", ["json", "text"])
def test_a_value_of_two_megabytes_is_the_same_byte_for_byte(edge, address, representation):
    accept = {"Accept": ACCEPT[representation]}
    for expected in ("miss", "hit"):
        response = edge.fib(10_000_000, source=address, fields=accept, timeout=60)
        assert_right(response, 10_000_000, representation)
        assert (own(response).get("hit") is True) == (expected == "hit")


def test_twenty_cold_requests_ask_the_service_once(origin, start_edge, n):
    """They wait for the first of them."""
    proxy = SlowProxy(origin.port)
    try:
        edge = start_edge(proxy.port)
        proxy.delay = 0.5
        asked = [identifier() for _ in range(20)]
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(edge.connect(30)) for _ in asked]
            for connection, name in zip(connections, asked, strict=True):
                connection.send(request_bytes(f"/v1/fib?n={n}", fields={"X-Request-ID": name}))
            responses = [connection.read_response() for connection in connections]
        assert time.monotonic() - begin < 10, "they waited for one another"
    finally:
        proxy.close()
    for response in responses:
        assert_right(response, n)
    assert len(requests_that_reached(origin, *asked)) == 1
    with_budget = [response for response in responses if response.field("RateLimit") is not None]
    assert len(with_budget) <= 1, "the budget of the one who was charged is shown to those who waited"


def is_stale(response: Response) -> bool:
    """Whether an answer says that it is older than its lifetime."""
    status = own(response)
    return "stale" in str(status.get("detail", "")) or status.get("ttl", 0) < 0 or status.get("fwd") == "stale"


def test_the_edge_revalidates_what_is_too_old(origin, start_edge, address, n):
    """The service is asked with the tag, says 304, and what is stored is fresh again. Clients always get the value."""
    hop = ShortLived(origin.port)
    try:
        edge = start_edge(hop.port)
        assert_right(edge.fib(n, source=address), n)
        asked: list[str] = []

        def revalidations() -> list[dict]:
            asked.append(identifier())
            response = edge.fib(n, source=address, fields={"X-Request-ID": asked[-1]})
            assert_right(response, n)
            return requests_that_reached(origin, *asked)

        reached = wait_until(revalidations, 20, "a revalidation", interval=0.2)
        assert {entry["status"] for entry in reached} == {304}, "the value was fetched again"

        def fresh() -> bool:
            response = edge.fib(n, source=address)
            assert_right(response, n)
            return own(response).get("hit") is True and not is_stale(response)

        wait_until(fresh, 20, "a fresh answer", interval=0.05)
    finally:
        hop.close()


def test_values_outlive_the_service_and_nothing_else_does(start, start_edge, address, n):
    """Stored values are served and say that they are stale; the rest is a problem, and not remembered."""
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT_BUDGET": AMPLE_BUDGET}
    service = start(**settings)
    hop = ShortLived(service.port)
    try:
        edge = start_edge(hop.port)
        for representation in ("json", "text"):
            assert_right(edge.fib(n, fields={"Accept": ACCEPT[representation]}), n, representation)
        service.kill()

        def stale() -> Response | None:
            response = edge.fib(n)
            assert_right(response, n)
            return response if is_stale(response) else None

        response = wait_until(stale, 20, "a stale answer", interval=0.1)
        assert int(response.field("Age")) >= 1
        assert [name for name in CLIENT_FIELDS if response.field(name) is not None] == []
        assert_right(edge.fib(n, fields={"Accept": "text/plain"}), n, "text")

        for _ in range(2):
            refused = edge.fib(n + 1_000_000)
            assert refused.status in (502, 503, 504)
            assert refused.media_type == "application/problem+json"
            assert refused.field("Cache-Control") == "no-store"
            assert refused.json()["status"] == refused.status
        service.start()
        wait_until(lambda: edge.fib(n + 1_000_000).status == 200, 20, "the value that could not be had")
        assert_right(edge.fib(n + 1_000_000), n + 1_000_000)
    finally:
        hop.close()


def test_a_client_without_budget_gets_what_is_stored_even_if_it_is_stale(origin, start_edge, address, n):
    """The service refuses to revalidate for it: the refusal leaves what is stored where it is."""
    with origin.connect(source=address) as connection:
        for number in (10_000_000, 1_000_000, 10):
            while connection.request(f"/v1/fib?n={number}", fields={"Accept": "text/plain"}).status == 200:
                pass
    hop = ShortLived(origin.port)
    try:
        edge = start_edge(hop.port)
        edge.fib(n)
        asked: list[str] = []

        def refusals() -> list[dict]:
            asked.append(identifier())
            assert_right(edge.fib(n, source=address, fields={"X-Request-ID": asked[-1]}), n)
            return requests_that_reached(origin, *asked)

        reached = wait_until(refusals, 20, "a refused revalidation", interval=0.2)
        assert {entry["status"] for entry in reached} == {429}
        assert_right(edge.fib(n, source=address), n)
    finally:
        hop.close()


def test_a_purge_makes_the_edge_ask_again(edge, origin, n):
    edge.fib(n)
    assert_hit(edge.fib(n))
    edge.purge()
    asked = identifier()
    assert_right(edge.fib(n, fields={"X-Request-ID": asked}), n)
    assert len(requests_that_reached(origin, asked)) == 1


def test_nginx_does_without_njs(origin, n):
    edge = Nginx(origin.port, njs=False)
    try:
        edge.start()
        for representation in ("json", "text"):
            fields = {"Accept": ACCEPT[representation]}
            assert_right(edge.fib(n, fields=fields), n, representation)
            hit = edge.fib(n, fields=fields)
            assert_right(hit, n, representation)
            assert_hit(hit)
            assert hit.field("Age") is None
    finally:
        edge.close()


def test_nginx_ends_tls_and_offers_http_2(origin, tmp_path, n):
    certificates = make_certificates(tmp_path)
    edge = Nginx(origin.port, certificates)
    try:
        edge.start()
        context = ssl.create_default_context(cafile=certificates["ca.crt"])
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
            context.set_alpn_protocols(offered)
            with (
                socket.create_connection(("127.0.0.1", edge.tls_port), 10) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
            ):
                assert secured.selected_alpn_protocol() == chosen
                if chosen == "http/1.1":
                    secured.sendall(request_bytes(f"/v1/fib?n={n}", fields={"Connection": "close"}))
                    answer = b"".join(iter(lambda: secured.recv(1 << 16), b""))
                    assert answer.endswith(oracle.json_body(n))
    finally:
        edge.close()


def test_keepalive_and_pipelining_keep_the_order(edge, n):
    with edge.connect() as connection:
        targets = [f"/v1/fib?n={n}", "/v1/fib?n=x", f"/v1/fib?n={n + 500_000}", f"/v1/fib?n={n}"]
        connection.send(b"".join(request_bytes(target) for target in targets))
        responses = [connection.read_response() for _ in targets]
        assert [response.status for response in responses] == [200, 400, 200, 200]
        for response, number in ((responses[0], n), (responses[2], n + 500_000), (responses[3], n)):
            assert_right(response, number)
        assert_right(connection.request(f"/v1/fib?n={n}"), n)


def test_a_client_that_leaves_takes_no_answer_along(edge: Edge, n):
    for _ in range(5):
        connection = edge.connect()
        connection.send(request_bytes(f"/v1/fib?n={3_000_000 + n}"))
        connection.reset()
    assert_right(edge.fib(3_000_000 + n), 3_000_000 + n)


def test_many_clients_at_once_get_what_they_asked_for(edge, n):
    """Both representations, hits and misses, refusals between them."""
    wrong: list[object] = []

    def ask(offset: int) -> None:
        with edge.connect(30) as connection:
            for step in range(15):
                number = n + 600_000 + (offset + step) % 4
                representation = ("json", "text")[step % 2]
                response = connection.request(f"/v1/fib?n={number}", fields={"Accept": ACCEPT[representation]})
                if response.body != oracle.body(number, representation):
                    wrong.append((number, representation, response.status, response.body[:60]))
                if connection.request(f"/v1/fib?n=0{number}").status != 400:
                    wrong.append("a refusal that is none")

    threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
