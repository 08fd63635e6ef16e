"""Caches see through Accept only where one rule is enough to be sure, and never change what it selects."""

from __future__ import annotations

import re

import pytest
from edge import EDGE, cache_statuses, own
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rawhttp import Response
from service import Service
from test_edge import same_answer
from test_negotiation import JSON, NOTHING, TEXT

# What clients send: each has to be served from the cache.
COMMON = {
    "*/*": "json",
    "application/json": "json",
    "application/json, text/plain, */*": "json",
    "application/json, */*;q=0.5": "json",
    "application/json; charset=utf-8, */*": None,
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8": "json",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "json",
    "text/plain": "text",
    "text/plain, */*;q=0.1": "text",
    "text/plain;charset=utf-8": "text",
    "text/plain, application/json;q=0.5": "text",
    "text/*": "text",
    "text/plain, */*": "json",
    "image/*, */*;q=0.001": "json",
    "image/png": None,
    "*/*;q=0": None,
    "application/json;q=0.2, text/plain;q=0.4": None,
    'application/json, x/y;z=", text/plain"': None,
    "garbage": None,
    "text/*;charset=utf-8": None,
    "application/json-seq, text/plain": None,
}

ranges = st.sampled_from(
    ["application/json", "application/*", "text/plain", "text/*", "*/*", "text/html", "image/png", "Application/JSON"]
    + [
        "TEXT/plain",
        "*/plain",
        "*",
        "application/json-seq",
        "application/jsonp",
        "x-text/plain",
        "text/plainer",
        "garbage",
    ]
)
weights = st.sampled_from(
    [""] * 6
    + [";q=0", ";q=0.0", ";q=0.000", ";q=1", ";q=1.0", ";q=1.", ";q=0.", ";q=0.5", ";q=0.501", "; q=0.001", " ;\tq=0.9"]
    + [";Q=0.3", ";q=1.001", ";q=.5", ";q=0.1234", ";q=abc", ";q=-1", ";q", ";", ";q=0.5;x=1", ';q="0.5"', ";q=00.5"]
    + [
        ";charset=utf-8",
        "; charset=UTF-8",
        ';charset="utf-8"',
        ";charset=utf-16",
        ";v=2",
        ";charset=utf-8;q=0.2",
        ";v=2;q=1",
    ]
    + [';x=","', ';x="\\""', ';x="']
)
members = st.builds(
    lambda before, media, weight, after: before + media + weight + after,
    *([st.sampled_from(["", "", " ", "\t", "  "]), ranges, weights, st.sampled_from(["", "", " ", "\t"])]),
)
values = st.lists(members, min_size=0, max_size=4).map(",".join)


def verdict(text: str, path: str) -> list[str]:
    """The rules about Accept in a recipe, as regular expressions, in their order."""
    quotes = {
        "nginx": r"""(?:"~\*|'~)(.*?)(?:"|') (?:json|text|"")""",
        "vcl": r'Accept ~ (?:\{"|")(.*?)(?:"\}|")(?: \|\||\))',
    }
    return re.findall(quotes["nginx" if path.endswith(".conf") else "vcl"], text)


def rules(path: str) -> list[str]:
    return [
        rule.removeprefix("(?i)")
        for rule in verdict((EDGE / path).read_text(), path)
        if not rule.startswith(("^[\\x21", TAGS[:8]))
    ]


# A list of entity tags: what else If-None-Match may be is for the service.
TAGS = r"""^[ \t]*(W/)?"[^"]*"([ \t]*,[ \t]*(W/)?"[^"]*")*[ \t]*$"""

RECIPES = ["nginx/conf.d/fibonacci-api.conf", "varnish/default.vcl", "fastly/recv.vcl"]


def decide(value: str | None) -> str | None:
    """What the rules say, in Python: json, text, or None where the service decides."""
    quoted, *json, text = rules(RECIPES[0])
    if not value:
        return "json"
    if re.search(quoted, value):
        return None
    if any(re.search(rule, value, re.IGNORECASE) for rule in json):
        return "json"
    return "text" if re.search(text, value, re.IGNORECASE) else None


@pytest.mark.parametrize("path", RECIPES)
def test_every_recipe_has_the_same_rules(path):
    """What is tested with nginx and Varnish holds for those that cannot be run here."""
    assert len(rules(path)) == 5
    assert TAGS in (EDGE / path).read_text()
    assert rules(path) == rules(RECIPES[0])


def representation(response: Response) -> str | None:
    return {"application/json": "json", "text/plain": "text"}.get(response.media_type)


@settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
def test_the_rules_agree_with_the_service(service: Service, connections, value):
    """Where they decide, they decide as the service does."""
    decided = decide(value.strip(" \t"))
    if decided is not None:
        response = connections(service).request("/v1/fib?n=10", fields={"Accept": value})
        assert (response.status, representation(response)) == (200, decided)


@pytest.fixture(scope="module")
def connections():
    """One kept connection for each server: thousands of requests need no thousands of ports."""
    kept = {}

    def connection(server, **options):
        if server.port not in kept:
            kept[server.port] = server.connect(**options)
        return kept[server.port]

    yield connection
    for one in kept.values():
        one.close()


@pytest.mark.parametrize(("value", "expected"), COMMON.items())
def test_what_clients_send_is_served_from_the_cache(edge, address, value, expected):
    assert decide(value) == expected
    edge.fib(77, source=address, fields={"Accept": value})
    response = edge.fib(77, source=address, fields={"Accept": value})
    if expected is None:
        assert own(response)["fwd"] == "bypass"
    else:
        assert response.status == 200 and representation(response) == expected
        assert own(response).get("hit") is True, cache_statuses(response)


TABLE = [(label, values) for table in (JSON, TEXT, NOTHING) for label, values in table.items()]


@pytest.mark.parametrize("number", [79, 80])
def test_the_edge_answers_as_the_service_whatever_accept_is(edge, origin, number, address):
    """Cold and warm, over one line and over several."""
    with edge.connect(source=address) as at_edge, origin.connect(source=address) as at_origin:
        for label, lines in TABLE:
            fields = [("Accept", line) for line in lines]
            for _ in range(2):
                mine = at_edge.request(f"/v1/fib?n={number}", fields=fields)
                assert same_answer(mine, at_origin.request(f"/v1/fib?n={number}", fields=fields)), label


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(values, min_size=1, max_size=2))
def test_no_accept_ever_mixes_representations(edge, origin, connections, lines):
    if len(lines) > 1 and any(line.count('"') % 2 for line in lines):
        # Lines are joined, as RFC 9110 §5.3 allows; a quotation left open in one then swallows the next.
        lines = [line.replace('"', "") for line in lines]
    fields = [("Accept", line) for line in lines]
    mine = connections(edge, source="127.199.0.1").request("/v1/fib?n=78", fields=fields)
    direct = connections(origin, source="127.199.0.2").request("/v1/fib?n=78", fields=fields)
    assert same_answer(mine, direct), (mine.status, mine.fields, direct.status)


def test_the_cache_has_two_variants_at_most(edge, origin, address):
    """A hundred spellings of Accept are one miss for each representation."""
    misses = []
    for index in range(50):
        for accept in (f"application/json, image/x-{index}", f"text/plain, image/x-{index};q=0.{index}"):
            response = edge.fib(81, source=address, fields={"Accept": accept})
            assert response.status == 200
            if "hit" not in own(response):
                misses.append(accept)
    assert len(misses) == 2, misses
