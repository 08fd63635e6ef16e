"""What somebody could try to make a cache serve wrong answers, or the service charge somebody else."""

from __future__ import annotations

import json
import re
import time

import pytest
from checks import rate_limit
from edge import EDGE, ShortLived, own, requests_that_reached
from rawhttp import ConnectionClosed, MalformedResponse, request_bytes
from service import wait_until
from test_edge import assert_hit, assert_right, identifier, same_answer

BUDGET = 1_000
SECONDS = 1


def spend(edge, source: str, tokens: int) -> None:
    """Spends tokens through the edge, one a request, by what no cache keeps."""
    with edge.connect(source=source) as connection:
        for _ in range(tokens):
            assert connection.request("/v1/fib?n=x").status == 400


def remaining(edge, source: str, **parts) -> int:
    """What a client has left, asked through the edge. To ask is free."""
    response = edge.request("/v1/cost?n=0", source=source, **parts)
    assert response.status == 200
    return rate_limit(response).remaining


def test_each_client_behind_the_edge_has_a_budget_of_its_own(edge, address, n):
    other = "127.252.0.1"
    before = remaining(edge, other)
    spend(edge, address, 30)
    assert remaining(edge, address) == BUDGET - 30
    assert remaining(edge, other) == before
    with edge.connect(source=address) as connection:
        for number in (10_000_000, 10_000_000, 10_000_000, 10_000_000):
            connection.request(f"/v1/fib?n={number}", fields={"Accept": "text/plain;q=0.9"}, method="GET")
        while connection.request("/v1/fib?n=1000000", fields={"Accept": "text/plain;q=0.9"}).status == 200:
            pass
        while connection.request("/v1/fib?n=10", fields={"Accept": "text/plain;q=0.9"}).status == 200:
            pass
        assert connection.request(f"/v1/fib?n={n}").status == 429
    assert_right(edge.fib(n, source=other), n)
    hit = edge.fib(n, source=address)
    assert_right(hit, n)
    assert_hit(hit)


@pytest.mark.parametrize(
    "lines",
    [
        ["203.0.113.7"],
        ["127.0.0.1"],
        ["203.0.113.7, 127.0.0.1"],
        ["127.0.0.1, 127.0.0.1"],
        ["203.0.113.7", "127.0.0.1"],
        ["garbage"],
        ["", "203.0.113.7,"],
        [", ".join(["127.0.0.1"] * 40)],
        ["203.0.113.7\t"],
        ['"203.0.113.7"'],
    ],
)
def test_a_forged_x_forwarded_for_is_not_believed(edge, origin, address, lines):
    asked = identifier()
    fields = [("X-Forwarded-For", line) for line in lines]
    fields += [("Forwarded", "for=203.0.113.7"), ("X-Real-IP", "203.0.113.7"), ("X-Request-ID", asked)]
    response = edge.request("/v1/fib?n=x", source=address, fields=fields)
    assert response.status == 400
    assert [entry["client"] for entry in requests_that_reached(origin, asked)] == [address]
    assert remaining(edge, address) == BUDGET - 1


@pytest.mark.parametrize(
    "nominated", ["X-Forwarded-For", "close, X-Forwarded-For", "keep-alive, x-forwarded-for, X-Request-ID"]
)
def test_connection_cannot_take_away_who_the_client_is(edge, origin, address, nominated):
    """A proxy drops what Connection names: if it did so with what it adds itself, the charge would be its own.

    nginx drops nothing of it; Varnish refuses the request.
    """
    before = remaining(origin, "127.0.0.1")
    edge.request("/v1/fib?n=x", source=address, fields={"Connection": nominated, "X-Request-ID": identifier()})
    edge.request("/v1/fib?n=x", source=address)
    assert remaining(edge, address) in (BUDGET - 1, BUDGET - 2)
    assert remaining(origin, "127.0.0.1") == before


@pytest.mark.parametrize(
    "nominated", ["Accept", "close, Accept", "Host", "Content-Length", "X-Request-ID", "TE, Upgrade"]
)
def test_connection_cannot_poison_a_variant(edge, n, nominated):
    edge.fib(n, fields={"Accept": "text/plain", "Connection": nominated})
    assert_right(edge.fib(n, fields={"Accept": "text/plain"}), n, "text")
    edge.fib(n, fields={"Accept": "application/json", "Connection": nominated})
    assert_right(edge.fib(n, fields={"Accept": "application/json"}), n)


def test_an_ipv6_client_is_charged_as_such(edge, origin):
    asked = identifier()
    response = edge.request("/v1/fib?n=x", source="::1", fields={"X-Request-ID": asked})
    assert response.status == 400
    assert [entry["client"] for entry in requests_that_reached(origin, asked)] == ["::/64"]


UNKEYED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/healthz",
    "X-Rewrite-URL": "/healthz",
    "X-HTTP-Method-Override": "DELETE",
    "X-Host": "evil.example",
    "Forwarded": "host=evil.example",
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
    "User-Agent": "evil",
    "Authorization": "Bearer secret",
    "Cookie": "session=secret",
    "Accept-Encoding": "gzip, br",
    "Accept-Language": "de",
    "Accept-Charset": "utf-16",
    "TE": "trailers",
    "Upgrade": "h2c",
    "Via": "1.1 evil",
    "Max-Forwards": "0",
    "Expect": "100-continue",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "Edge-Forward": "miss",
    "Edge-Representation": "text",
}


def test_no_field_outside_of_the_key_changes_an_answer(edge, n):
    """Who asks first, with all of them, gets what everybody gets; nothing of it is in what the next one gets."""
    number = n + 700_000
    assert_right(edge.fib(number, fields=UNKEYED), number)
    hit = edge.fib(number)
    assert_right(hit, number)
    assert_hit(hit)
    said = " ".join(f"{name}: {value}" for name, value in hit.fields)
    assert "evil" not in said and "secret" not in said
    for name, value in UNKEYED.items():
        assert_hit(edge.fib(number, fields={name: value}))


def test_host_is_not_in_the_key_and_not_in_an_answer(edge, n):
    assert_right(edge.fib(n, host="evil.example"), n)
    for host in ("api.example.com", "API.example.com:8080", "evil.example", "[::1]:80", "x" * 200):
        response = edge.fib(n, host=host)
        assert_right(response, n)
        assert_hit(response)
    absolute = edge.request(f"http://evil.example/v1/fib?n={n}")
    assert_right(absolute, n)
    assert edge.request(f"/v1/fib?n={n}", host=None).status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "BAN", "PROPFIND"])
def test_methods_go_to_the_service(edge, origin, address, n, method):
    """There is no way to empty the cache from outside either."""
    edge.fib(n)
    for body in (b"", b"x" * 100):
        response = edge.fib(n, method=method, source=address, body=body)
        direct = origin.fib(n, method=method, source=address, body=body)
        assert response.status == direct.status
        if direct.status == 204:
            assert response.field("Allow") == direct.field("Allow")
        assert own(response)["fwd"] == "method"
    assert_hit(edge.fib(n))


def test_a_preflight_is_answered_by_the_service(edge, origin, address):
    fields = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match, x-request-id",
    }
    response = edge.request("/v1/fib", method="OPTIONS", source=address, fields=fields)
    direct = origin.request("/v1/fib", method="OPTIONS", source=address, fields=fields)
    assert response.status == direct.status == 204
    for name in ("Allow-Origin", "Allow-Methods", "Allow-Headers", "Max-Age", "Expose-Headers"):
        assert response.field(f"Access-Control-{name}") == direct.field(f"Access-Control-{name}")


@pytest.mark.parametrize(
    "target", ["/metrics", "/readyz", "/livez", "/version", "/v1/fib/../../metrics", "/%6detrics", "//metrics"]
)
def test_the_admin_port_is_not_reachable(edge, origin, target):
    response = edge.request(target)
    assert response.status in (400, 404)
    assert b"fib_" not in response.body
    admin = edge.request(f"http://127.0.0.1:{origin.admin_port}/metrics")
    assert admin.status == 404


def test_content_of_a_get_is_not_for_caches(edge, origin, address, n):
    assert same_answer(edge.fib(n, source=address, body=b"n=5"), origin.fib(n, source=address, body=b"n=5"))
    too_large = edge.fib(n, source=address, body=b"x" * 70_000)
    assert too_large.status == 413
    assert_right(edge.fib(n, source=address), n)


@pytest.mark.parametrize("length", [4_000, 8_000, 9_000, 20_000, 70_000])
def test_very_long_addresses_and_fields_are_refused_or_answered(edge, n, length):
    for request in (
        request_bytes(f"/v1/fib?n={n}&x={'y' * length}"),
        request_bytes(f"/v1/fib?n={n}", fields={"X-Long": "y" * length}),
        request_bytes(
            f"/v1/fib?n={n}", fields={"Accept": ",".join(["image/png;q=0.1"] * (length // 16)) + ",text/plain"}
        ),
    ):
        with edge.connect() as connection:
            try:
                connection.send_tolerantly(request)
                assert connection.read_response().status in (200, 400, 413, 414, 431)
            except ConnectionClosed:
                # Too long to read on: closed without an answer.
                assert length > 8_000
    assert_right(edge.fib(n), n)


def test_a_refused_revalidation_takes_no_stale_value_away(origin, start_edge, n):
    """Who sends more fields than the service reads gets what is stored, and leaves it there for others."""
    hop = ShortLived(origin.port, SECONDS)
    try:
        edge = start_edge(hop.port)
        assert_right(edge.fib(n), n)
        too_many = {f"X-{number}": "y" * 3_900 for number in range(7)}
        assert origin.fib(n, fields=too_many).status == 431
        begin = time.monotonic()

        def outlived() -> bool:
            response = edge.fib(n, fields=too_many)
            assert_right(response, n)
            assert_hit(response)
            return time.monotonic() - begin > 3 * SECONDS

        wait_until(outlived, 20, "some lifetimes are over", interval=0.1)
    finally:
        hop.close()


def test_fastly_lets_nobody_purge_without_a_token():
    """It lets everybody, unless vcl_recv says this."""
    recipe = (EDGE / "fastly" / "recv.vcl").read_text()
    assert re.search(r'"FASTLYPURGE"\) \{\s+set req\.http\.Fastly-Purge-Requires-Auth = "1";', recipe)


HOST = b"Host: api.example.com\r\n"
SMUGGLED = b"GET /v1/fib?n=7 HTTP/1.1\r\nHost: api.example.com\r\nX-Request-ID: smuggled\r\n\r\n"
CONFUSING = {
    "two lengths": b"POST /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 0\r\nContent-Length: 80\r\n\r\n"
    + SMUGGLED,
    "the same length twice": b"GET /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"POST /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Content-Length: 0, 80\r\n\r\n" + SMUGGLED,
    "a length with a sign": b"POST /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "both framings": b"POST /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "an unknown coding": b"POST /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "a coding in disguise": b"POST /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: \x0bchunked\r\n\r\n"
    + SMUGGLED,
    "two codings": b"POST /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a bad size of a chunk": b"POST /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"
    + SMUGGLED,
    "a space before the colon": b"GET /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Content-Length : 80\r\n\r\n" + SMUGGLED,
    "bare line feeds": b"GET /v1/fib?n=%d HTTP/1.1\n" + HOST + b"X: y\n\n",
    "a folded field": b"GET /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Accept: text/\r\n plain\r\n\r\n",
    "two hosts": b"GET /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "an authority in the target": b"GET //evil.example/v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"\r\n",
    "a nul": b"GET /v1/fib?n=%d\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the target": b"GET /v1/fib?n=%d\t HTTP/1.1\r\n" + HOST + b"\r\n",
    "spaces in the target": b"GET /v1/fib?n=%d /x HTTP/1.1\r\n" + HOST + b"\r\n",
    "another version": b"GET /v1/fib?n=%d HTTP/1.2\r\n" + HOST + b"\r\n",
    "no version": b"GET /v1/fib?n=%d\r\n\r\n",
    "the version of old": b"GET /v1/fib?n=%d HTTP/1.0\r\n\r\n",
    "a get with a length and no content": b"GET /v1/fib?n=%d HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 80\r\n\r\n"
    + SMUGGLED,
    "a method in small letters": b"get /v1/fib?n=%d HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"X: %d\r\n\r\n",
}


@pytest.mark.parametrize("label", CONFUSING)
def test_confusing_requests_confuse_nobody_else(edge, n, label):
    """Whatever the edge makes of them: the next client gets its own answer, and nothing wrong is in the cache."""
    number = n + 800_000
    request = CONFUSING[label]
    with edge.connect(timeout=3) as connection:
        connection.send_tolerantly(request % number)
        try:
            response = connection.read_response(timeout=1)
            assert response.status in (200, 400, 404, 405, 411, 501, 503, 505), (label, response.status)
        except (ConnectionClosed, TimeoutError, MalformedResponse):
            # Closed, still waiting for content, or the answer of HTTP/0.9, which has no head.
            pass
    for attempt in range(6):
        with edge.connect() as connection:
            assert_right(connection.request(f"/v1/fib?n={number + attempt % 2}"), number + attempt % 2)
            accept = {"Accept": "text/plain"}
            assert_right(connection.request(f"/v1/fib?n={number}", fields=accept), number, "text")


def test_a_smuggled_request_is_a_request_of_its_own_or_none(edge, origin, address, n):
    """What is taken for one is charged to who sent it, and answered to nobody else."""
    asked = identifier().encode()
    for label in (
        "two lengths",
        "both framings",
        "an unknown coding",
        "a coding in disguise",
        "a space before the colon",
    ):
        with edge.connect(timeout=3, source=address) as connection:
            connection.send_tolerantly((CONFUSING[label] % n).replace(b"smuggled", asked))
            begin = time.monotonic()
            try:
                while time.monotonic() - begin < 2:
                    connection.read_response(timeout=1)
            except (ConnectionClosed, TimeoutError, MalformedResponse):
                pass
    reached = requests_that_reached(origin, asked.decode())
    assert all(entry["client"] == address for entry in reached), "somebody else was charged for it"


def test_problems_of_the_edge_are_json(edge):
    response = edge.request("/v1/fib?n=10", host=None)
    assert response.status == 400
    large = edge.request("/v1/fib?n=10", method="POST", body=b"x" * 100_000)
    assert large.status in (405, 413)
    assert large.media_type == "application/problem+json"
    assert json.loads(large.body)["status"] == large.status
