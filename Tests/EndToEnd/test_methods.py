"""Which methods a resource has, and what HEAD, OPTIONS and all the others get."""

import time

import oracle
import pytest
from checks import assert_common_fields, assert_problem, assert_value, cache_status

PATHS = ["/v1/fib?n=10", "/", "/docs", "/openapi.json", "/healthz"]
UNKNOWN_PATHS = [
    "/v1/fib/",
    "/v1/FIB?n=10",
    "/V1/fib?n=10",
    "/v1",
    "/v1/",
    "/v1/fib/10",
    "/v1/fibonacci?n=10",
    "/v2/fib?n=10",
    "/fib?n=10",
    "/v1//fib?n=10",
    "/favicon.png",
    "/docs/../docs/x",
    "/%00",
    "/%F0%9F%90%87",
]
KNOWN_METHODS = ["POST", "PUT", "PATCH", "DELETE", "TRACE"]
UNKNOWN_METHODS = ["FOO", "get", "Get", "GETX", "G", "HEADER", "X" * 50]


@pytest.mark.parametrize("representation", ["json", "text"])
@pytest.mark.parametrize("n", [0, 10, 78, 79, 1_000, 5400_031])
def test_head_has_the_fields_of_get_and_no_body(service, n, representation):
    """Everything but Cache-Status, Date, the request's id and what it pays is equal."""
    accept = {"Accept": "text/plain" if representation == "text" else "application/json"}
    with service.connect() as connection:
        head = connection.request(f"/v1/fib?n={n}", method="HEAD", fields=accept)
        get = connection.request(f"/v1/fib?n={n}", fields=accept)
    assert_value(head, n, representation, head=True)
    assert_value(get, n, representation)
    differing = {"cache-status", "date", "x-request-id", "x-ratelimit-cost", "x-ratelimit-remaining", "ratelimit"}
    assert {(k.lower(), v) for k, v in head.fields if k.lower() not in differing} == {
        (k.lower(), v) for k, v in get.fields if k.lower() not in differing
    }


@pytest.mark.parametrize("representation", ["json", "text"])
@pytest.mark.parametrize("n", [123_456_789, 999_999_999, 1_000_000_000])
def test_head_needs_no_computation(vast, n, representation):
    """The exact length of a value of a hundred million digits comes at once."""
    accept = {"Accept": "text/plain" if representation == "text" else "application/json"}
    begin = time.monotonic()
    response = vast.fib(n, method="HEAD", fields=accept)
    assert time.monotonic() - begin < 0.5
    assert_value(response, n, representation, head=True)
    assert cache_status(response) == {"fwd": "uri-miss", "detail": "not-computed"}


def test_head_says_when_the_value_is_in_memory(service):
    service.fib(400_031)
    assert cache_status(service.fib(400_031, method="HEAD")) == {"hit": True, "detail": "memory"}


@pytest.mark.parametrize("path", PATHS[1:])
def test_every_page_answers_head(service, path):
    with service.connect() as connection:
        head = connection.request(path, method="HEAD")
        get = connection.request(path)
    assert (head.status, get.status) == (200, 200)
    assert head.field("Content-Length") == get.field("Content-Length") == str(len(get.body))
    assert head.field("Content-Type") == get.field("Content-Type")


@pytest.mark.parametrize("path", [*PATHS, "/v1/fib"])
def test_options_tells_the_methods(service, path):
    response = service.request(path, method="OPTIONS")
    assert (response.status, response.body) == (204, b"")
    assert_common_fields(response)
    assert set(response.members("Allow")) == {"get", "head", "options"}
    assert response.field("Content-Length") is None
    assert response.field("Content-Type") is None


def test_options_for_the_server_as_a_whole(service):
    response = service.request("*", method="OPTIONS")
    assert response.status == 204
    assert_common_fields(response)


def test_a_star_is_no_target_for_get(service):
    response = service.request("*")
    assert response.status in (400, 404)
    assert response.media_type == "application/problem+json"


def test_a_preflight_from_any_origin_is_answered(service):
    """A script may send a conditional request with an id of its own."""
    response = service.request(
        "/v1/fib?n=10",
        method="OPTIONS",
        fields={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match, x-request-id",
        },
    )
    assert (response.status, response.body) == (204, b"")
    assert response.field("Access-Control-Allow-Origin") == "*"
    assert {"get", "head"} <= set(response.members("Access-Control-Allow-Methods"))
    allowed = set(response.members("Access-Control-Allow-Headers"))
    assert "*" in allowed or {"if-none-match", "x-request-id"} <= allowed
    assert int(response.field("Access-Control-Max-Age")) > 0


@pytest.mark.parametrize("method", KNOWN_METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_another_method_gives_405_with_allow(service, path, method):
    response = service.request(path, method=method)
    problem = assert_problem(response, "method-not-allowed", 405, instance=path.split("?")[0])
    assert set(response.members("Allow")) == {"get", "head", "options"}
    assert set(problem["allow"]) == {"GET", "HEAD", "OPTIONS"}


def test_the_method_is_judged_before_n(service):
    assert_problem(service.request("/v1/fib?n=abc", method="DELETE"), "method-not-allowed", 405)


def test_a_connection_survives_a_405_with_a_small_body(service):
    with service.connect() as connection:
        assert connection.request("/v1/fib?n=10", method="POST", body=b'{"n":10}').status == 405
        assert_value(connection.request("/v1/fib?n=10"), 10, "json")


@pytest.mark.parametrize("method", UNKNOWN_METHODS)
def test_a_method_that_nobody_knows_gives_501_and_ends_the_connection(service, method):
    with service.connect() as connection:
        connection.send_request("/v1/fib?n=10", method=method)
        response = connection.read_response()
        assert_problem(response, "not-implemented", 501)
        assert response.closes
        connection.assert_closed_by_server()


def test_connect_opens_no_tunnel(service):
    with service.connect() as connection:
        connection.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        response = connection.read_response()
        assert response.status in (400, 404, 405, 501), response.status
        assert response.media_type == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_gives_404_whatever_the_method(service, path, method):
    assert_problem(service.request(path, method=method), "not-found", 404)


@pytest.mark.parametrize("path", ["/nothing", "/nothing?n=10", "/nothing?secret=value"])
def test_the_instance_of_a_404_is_its_path_without_the_query(service, path):
    assert_problem(service.request(path), "not-found", 404, instance="/nothing")


def test_an_encoded_path_is_decoded_before_it_is_routed(service):
    assert_value(service.request("/v1/%66ib?n=10"), 10, "json")
    assert_value(service.request("/%76%31/fib?n=10"), 10, "json")


def test_a_head_request_for_the_largest_n_is_exact(service):
    length = int(service.fib(10_000_000, method="HEAD").field("Content-Length"))
    assert length == oracle.content_length(10_000_000, "json")
