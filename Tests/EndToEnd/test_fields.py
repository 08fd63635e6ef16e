"""Fields that go with every answer: the request's id, Cache-Status, Vary, CORS, Date."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from checks import REQUEST_ID, assert_problem, cache_status, is_computed, is_hit

EVERY_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))

GOOD_IDS = ["1", "abc-123", "x" * 128, EVERY_PRINTABLE, "0af7651916cd43dd8448eb211c80319c", '"quoted"', "a,b;c=d"]
BAD_IDS = {
    "too long": "x" * 129,
    "far too long": "x" * 4_000,
    "a space": "a b",
    "a tab": "a\tb",
    "not ASCII": "caf\u00e9",
    "empty": "",
    "a space alone": " ",
    "a byte of 0x80": "a\u0080",
}
ANSWERS = {
    "a value": ("GET", "/v1/fib?n=10", {}),
    "HEAD": ("HEAD", "/v1/fib?n=10", {}),
    "a 304": ("GET", "/v1/fib?n=10", {"If-None-Match": "*"}),
    "a preflight": ("OPTIONS", "/v1/fib", {}),
    "a 400": ("GET", "/v1/fib", {}),
    "a 404": ("GET", "/nothing", {}),
    "a 405": ("POST", "/v1/fib?n=10", {}),
    "a 406": ("GET", "/v1/fib?n=10", {"Accept": "image/png"}),
    "a 412": ("GET", "/v1/fib?n=10", {"If-Match": '"other"'}),
    "a 422": ("GET", "/v1/fib?n=99999999", {}),
    "health": ("GET", "/healthz", {}),
    "the description": ("GET", "/openapi.json", {}),
    "the reference": ("GET", "/docs", {}),
    "the front page": ("GET", "/", {}),
}


def answers():
    return [pytest.param(*value, id=label) for label, value in ANSWERS.items()]


@pytest.mark.parametrize("identifier", GOOD_IDS, ids=lambda value: f"{len(value)} characters from {value[:6]}")
def test_a_sane_request_id_is_kept(service, identifier):
    assert service.fib(10, fields={"X-Request-ID": identifier}).all("X-Request-ID") == [identifier]


@pytest.mark.parametrize("identifier", [pytest.param(value, id=label) for label, value in BAD_IDS.items()])
def test_a_request_id_that_is_not_sane_is_replaced(service, identifier):
    answered = service.fib(10, fields={"X-Request-ID": identifier}).field("X-Request-ID")
    assert answered != identifier
    assert REQUEST_ID.fullmatch(answered)


def test_two_request_ids_are_replaced_by_one(service):
    values = service.fib(10, fields=[("X-Request-ID", "one"), ("X-Request-ID", "two")]).all("X-Request-ID")
    assert len(values) == 1 and values[0] not in ("one", "two", "one, two", "one,two")


def test_every_request_without_an_id_gets_one_of_its_own(service):
    with service.connect() as connection:
        identifiers = {connection.request("/v1/fib?n=10").field("X-Request-ID") for _ in range(300)}
    assert len(identifiers) == 300


@pytest.mark.parametrize(("method", "target", "fields"), answers())
def test_every_answer_carries_the_request_id_and_cors(service, method, target, fields):
    response = service.request(target, method=method, fields=fields | {"X-Request-ID": "the-same"})
    assert response.field("X-Request-ID") == "the-same"
    assert response.field("Access-Control-Allow-Origin") == "*"
    assert response.field("Access-Control-Allow-Credentials") is None


@pytest.mark.parametrize(("method", "target", "fields"), answers())
def test_every_answer_has_the_right_date(service, method, target, fields):
    value = service.request(target, method=method, fields=fields).field("Date")
    assert value.endswith(" GMT")
    assert abs(parsedate_to_datetime(value) - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(("method", "target", "fields"), answers())
def test_no_answer_names_the_software(service, method, target, fields):
    response = service.request(target, method=method, fields=fields)
    assert response.field("Server") is None
    assert response.field("X-Powered-By") is None


def test_problems_carry_the_callers_request_id(service):
    response = service.fib("abc", fields={"X-Request-ID": "mine-1"})
    assert assert_problem(response, "invalid-parameter", 400)["request_id"] == "mine-1"


def test_a_request_id_that_needs_escaping_in_json_arrives_intact(service):
    response = service.fib("abc", fields={"X-Request-ID": EVERY_PRINTABLE})
    assert assert_problem(response, "invalid-parameter", 400)["request_id"] == EVERY_PRINTABLE


def test_the_first_request_is_a_miss_and_the_second_a_hit(service):
    first, second = service.fib(400_009), service.fib(400_009)
    assert cache_status(first) == {"fwd": "uri-miss", "stored": True, "detail": "compute"}
    assert cache_status(second) == {"hit": True, "detail": "memory"}
    assert is_computed(first) and is_hit(second)
    assert first.body == second.body


def test_problems_say_nothing_about_the_cache(service):
    """Cache-Status, ETag and the price describe a value; a problem has none."""
    for target in ("/v1/fib?n=abc", "/nothing"):
        response = service.request(target)
        for name in ("Cache-Status", "ETag", "X-Precision"):
            assert response.field(name) is None, (target, name)


def test_scripts_may_read_the_fields_that_the_service_adds(service):
    exposed = set(service.fib(10, fields={"Origin": "https://app.example"}).members("Access-Control-Expose-Headers"))
    assert "*" in exposed or {"etag", "x-precision", "cache-status", "x-ratelimit-cost", "x-request-id"} <= exposed


def test_the_origin_changes_nothing(service):
    """The answer is the same for all origins, so it need not vary with them."""
    response = service.fib(10, fields={"Origin": "https://app.example"})
    assert response.field("Access-Control-Allow-Origin") == "*"
    assert response.members("Vary") == ["accept"]


def test_health_is_plain_and_never_stored(service):
    response = service.request("/healthz")
    assert (response.status, response.json()) == (200, {"status": "ok"})
    assert response.media_type == "application/json"
    assert "no-store" in response.members("Cache-Control")
