"""Assertions that many tests share, each one a sentence of the contract."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import http_sfv
import oracle
from rawhttp import Response


@dataclass
class RateLimit:
    """What the limiter's fields say."""

    cost: int
    remaining: int
    seconds: int
    budget: int
    window: int
    is_local: bool


ACCEPT = {"json": "application/json", "text": "text/plain"}
CONTENT_TYPE = {"json": "application/json", "text": "text/plain; charset=utf-8"}
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
INTERNALS = re.compile(r"\.swift|fatal|nioerror|hummingbird|0x[0-9a-f]{6,}|stack trace", re.IGNORECASE)


def cache_status(response: Response) -> dict[str, object]:
    """The parameters of the one member of Cache-Status, parsed by the rules of RFC 9651."""
    value = response.field("Cache-Status")
    assert value is not None, f"no Cache-Status on a {response.status}"
    members = http_sfv.List()
    members.parse(value.encode("latin-1"))
    assert len(members) == 1, value
    assert str(members[0].value) == "fibonacci-api", value
    return {key: item if isinstance(item, bool) else str(item) for key, item in members[0].params.items()}


def is_hit(response: Response) -> bool:
    return cache_status(response).get("hit") is True


def is_computed(response: Response) -> bool:
    """Whether this request started a computation of its own."""
    status = cache_status(response)
    return status.get("fwd") == "uri-miss" and "collapsed" not in status


def is_collapsed(response: Response) -> bool:
    """Whether this request joined the computation of another."""
    status = cache_status(response)
    return status.get("fwd") == "uri-miss" and status.get("collapsed") is True


def assert_common_fields(response: Response) -> None:
    """What every response that is made for a request carries."""
    assert len(response.all("X-Request-ID")) == 1, response.fields
    assert REQUEST_ID.fullmatch(response.field("X-Request-ID")), response.fields
    assert response.field("Access-Control-Allow-Origin") == "*", response.fields
    assert response.field("Server") is None, "the software is named"
    parsedate_to_datetime(response.field("Date"))
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "Date", "Connection"):
        assert len(response.all(name)) <= 1, f"{name} more than once: {response.fields}"


def assert_value(response: Response, n: int, representation: str, *, head: bool = False) -> None:
    """A 200 for n: the exact bytes, and every field that describes them."""
    assert response.status == 200, (response.status, response.body[:300])
    assert_common_fields(response)
    assert response.field("Content-Type") == CONTENT_TYPE[representation]
    assert response.field("Content-Length") == str(oracle.content_length(n, representation))
    assert response.field("X-Precision") == oracle.precision(n)
    assert response.field("ETag") == oracle.etag(n, representation)
    assert cache_control(response) == {"public", "max-age=86400", "immutable"}
    assert response.members("Vary") == ["accept"]
    assert_charged(response, 1 if head else oracle.cost(n))
    assert response.field("X-Content-Type-Options") == "nosniff"
    assert response.members("Access-Control-Expose-Headers"), "no field is exposed to scripts"
    assert response.field("Transfer-Encoding") is None
    cache_status(response)
    if not head:
        # Compared as a flag: a difference in a million digits is nothing to print.
        same = response.body == oracle.body(n, representation)
        assert same, f"wrong digits for n = {n}: {response.body[:80]!r}…"


def assert_not_modified(response: Response, n: int, representation: str) -> None:
    """A 304 for n: the fields of the 200 that a cache needs, and nothing that describes a body."""
    assert response.status == 304, (response.status, response.body[:300])
    assert_common_fields(response)
    assert response.field("ETag") == oracle.etag(n, representation)
    assert cache_control(response) == {"public", "max-age=86400", "immutable"}
    assert response.members("Vary") == ["accept"]
    assert_charged(response, 1)
    assert response.members("Access-Control-Expose-Headers")
    assert cache_status(response) == {"hit": True, "detail": "validator"}
    assert response.field("Content-Type") is None
    assert response.field("Content-Length") is None
    assert response.field("Transfer-Encoding") is None


def rate_limit(response: Response) -> RateLimit:
    """What the limiter's fields say, the structured ones read by the rules of RFC 9651."""
    policy, limit = (structured_item(response, name) for name in ("RateLimit-Policy", "RateLimit"))
    assert (str(policy.value), str(limit.value)) == ("default", "default")
    assert set(policy.params) == {"q", "w"} and set(limit.params) == {"r", "t"}
    remaining = response.all("X-RateLimit-Remaining")
    assert remaining == [str(limit.params["r"])], "the fields contradict each other"
    cost = response.all("X-RateLimit-Cost")
    assert len(cost) == 1 and cost[0].isdecimal(), cost
    return RateLimit(
        cost=int(cost[0]),
        remaining=limit.params["r"],
        seconds=limit.params["t"],
        budget=policy.params["q"],
        window=policy.params["w"],
        is_local=response.field("X-RateLimit-Mode") == "local",
    )


def structured_item(response: Response, name: str):
    """The only member of a field that is a list of one item."""
    lines = response.all(name)
    assert len(lines) == 1, f"{name}: {lines} on a {response.status}"
    members = http_sfv.List()
    members.parse(lines[0].encode("latin-1"))
    assert len(members) == 1, lines
    return members[0]


def assert_charged(response: Response, cost: int) -> RateLimit:
    """The limiter's fields are there, and say that the request took `cost` tokens."""
    said = rate_limit(response)
    assert said.cost == cost
    assert 0 <= said.remaining <= said.budget
    assert 0 <= said.seconds <= said.window
    return said


def cache_control(response: Response) -> set[str]:
    return set(response.members("Cache-Control"))


def assert_problem(response: Response, slug: str, status: int, *, instance: str | None = None) -> dict:
    """A problem of RFC 9457 with all its members, that nobody may store. Returns it."""
    assert response.status == status, (response.status, response.body[:300])
    assert_common_fields(response)
    assert response.media_type == "application/problem+json", response.fields
    assert response.field("Content-Length") == str(len(response.body))
    assert cache_control(response) == {"no-store"}
    assert response.field("ETag") is None
    problem = json.loads(response.body.decode("utf-8"))
    assert problem["type"] == f"/docs#{slug}"
    assert problem["status"] == status and isinstance(problem["status"], int)
    assert problem["request_id"] == response.field("X-Request-ID")
    for member in ("title", "detail", "instance"):
        assert isinstance(problem[member], str) and problem[member], f"{member} of {problem}"
    assert len(problem["detail"]) < 500, "the detail repeats what was sent"
    assert problem["title"] != problem["detail"], "the detail says no more than the title"
    assert not INTERNALS.search(problem["title"] + problem["detail"]), problem
    if instance is not None:
        assert problem["instance"] == instance
    return problem
