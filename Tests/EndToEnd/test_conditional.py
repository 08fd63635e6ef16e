"""Conditional requests follow RFC 9110 §13, and a validator alone is enough for a 304."""

import time

import oracle
import pytest
from checks import ACCEPT, assert_not_modified, assert_problem, assert_value

TAG = '"fib-v1-json-10"'

IF_NONE_MATCH_MATCHES = {
    "the tag": [TAG],
    "the weak tag": [f"W/{TAG}"],
    "anything": ["*"],
    "anything with spaces": ["  *  "],
    "the bare tag": ["fib-v1-json-10"],
    "last in a list": [f'"a", "b", {TAG}'],
    "first in a list": [f'{TAG}, "a"'],
    "weak in a list": [f'"a", W/{TAG}, W/"b"'],
    "a list without spaces": [f'"a",{TAG},"b"'],
    "a list with tabs": [f'"a"\t,\t{TAG}'],
    "empty members": [f",, {TAG} ,"],
    "a comma inside another tag": [f'"a,b", {TAG}'],
    "a quoted comma and a look-alike": [f'"a, fib-v1-json-11", {TAG}'],
    "after garbage": [f"garbage, {TAG}"],
    "before garbage": [f"{TAG}, garbage"],
    "the second line": ['"a"', TAG],
    "the first line": [TAG, '"a"'],
    "the third line, weak": ['"a"', "garbage", f"W/{TAG}"],
    "a long list": [", ".join(f'"tag-{index}"' for index in range(300)) + f", {TAG}"],
}

IF_NONE_MATCH_DIFFERS = {
    "another tag": ['"other"'],
    "the tag of text": ['"fib-v1-text-10"'],
    "the tag of another n": ['"fib-v1-json-11"'],
    "a shorter tag": ['"fib-v1-json-1"'],
    "a longer tag": ['"fib-v1-json-100"'],
    "upper case": ['"FIB-V1-JSON-10"'],
    "an empty tag": ['""'],
    "an empty field": [""],
    "a quoted star": ['"*"'],
    "an open quotation": ['"fib-v1-json-10'],
    "only a closing quotation": ['fib-v1-json-10"'],
    "a lower-case weak mark": [f"w/{TAG}"],
    "a weak mark alone": ["W/"],
    "commas alone": [",,,"],
    "garbage": ["}{;=§"],
    "the tag inside another": ['"x fib-v1-json-10 y"'],
}

IF_MATCH_MATCHES = {
    "the tag": [TAG],
    "anything": ["*"],
    "the bare tag": ["fib-v1-json-10"],
    "in a list": [f'"a", {TAG}'],
    "the second line": ['"a"', TAG],
    "after a weak one": [f"W/{TAG}, {TAG}"],
}

IF_MATCH_DIFFERS = {
    "the weak tag": [f"W/{TAG}"],
    "another tag": ['"other"'],
    "a list of others": ['"a", "b", W/"c"'],
    "the tag of text": ['"fib-v1-text-10"'],
    "garbage": ["garbage"],
    "a quoted star": ['"*"'],
}


def lines(name: str, table: dict[str, list[str]]):
    return [pytest.param([(name, value) for value in values], id=label) for label, values in table.items()]


@pytest.mark.parametrize("fields", lines("If-None-Match", IF_NONE_MATCH_MATCHES))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match_that_matches_gives_304(service, method, fields):
    assert_not_modified(service.fib(10, method=method, fields=fields), 10, "json")


@pytest.mark.parametrize("fields", lines("If-None-Match", IF_NONE_MATCH_DIFFERS))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match_that_differs_gives_the_value(service, method, fields):
    assert_value(service.fib(10, method=method, fields=fields), 10, "json", head=method == "HEAD")


@pytest.mark.parametrize("fields", lines("If-Match", IF_MATCH_MATCHES))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_match_that_matches_gives_the_value(service, method, fields):
    assert_value(service.fib(10, method=method, fields=fields), 10, "json", head=method == "HEAD")


@pytest.mark.parametrize("fields", lines("If-Match", IF_MATCH_DIFFERS))
def test_if_match_that_differs_gives_412(service, fields):
    assert_problem(service.fib(10, fields=fields), "precondition-failed", 412, instance="/v1/fib")


def test_if_match_that_differs_gives_412_to_head_without_a_body(service):
    with service.connect() as connection:
        response = connection.request("/v1/fib?n=10", method="HEAD", fields={"If-Match": '"other"'})
        assert (response.status, response.media_type) == (412, "application/problem+json")
        assert connection.request("/v1/fib?n=10").status == 200


def test_if_match_is_judged_before_if_none_match(service):
    both = {"If-Match": '"other"', "If-None-Match": TAG}
    assert_problem(service.fib(10, fields=both), "precondition-failed", 412)
    assert_not_modified(service.fib(10, fields={"If-Match": TAG, "If-None-Match": TAG}), 10, "json")
    assert_value(service.fib(10, fields={"If-Match": TAG, "If-None-Match": '"other"'}), 10, "json")


@pytest.mark.parametrize("representation", ["json", "text"])
def test_a_tag_belongs_to_one_representation(service, representation):
    """The tag of the other representation, which the client does not get, does not match."""
    other = {"json": "text", "text": "json"}[representation]
    accept = {"Accept": ACCEPT[representation]}
    matching = accept | {"If-None-Match": oracle.etag(10, representation)}
    differing = accept | {"If-None-Match": oracle.etag(10, other)}
    assert_not_modified(service.fib(10, fields=matching), 10, representation)
    assert_value(service.fib(10, fields=differing), 10, representation)


@pytest.mark.parametrize("n", [0, 78, 79, 1_000, 50_000])
def test_the_tag_of_an_answer_gives_304_when_it_is_sent_back(service, n):
    with service.connect() as connection:
        tag = connection.request(f"/v1/fib?n={n}").field("ETag")
        again = connection.request(f"/v1/fib?n={n}", fields={"If-None-Match": tag})
        assert_not_modified(again, n, "json")
        assert_value(connection.request("/v1/fib?n=10"), 10, "json")


@pytest.mark.parametrize("fields", [{"If-None-Match": "*"}, {"If-None-Match": '"fib-v1-json-999999937"'}])
def test_a_304_needs_no_computation(vast, fields):
    """F(999 999 937) takes many seconds to compute; its 304 takes none of them."""
    begin = time.monotonic()
    assert_not_modified(vast.fib(999_999_937, fields=fields), 999_999_937, "json")
    assert time.monotonic() - begin < 0.5


def test_a_412_needs_no_computation(vast):
    begin = time.monotonic()
    assert_problem(vast.fib(999_999_938, fields={"If-Match": '"other"'}), "precondition-failed", 412)
    assert time.monotonic() - begin < 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Range": "bytes=0-3"},
        {"Range": "bytes=5-"},
        {"Range": "bytes=100000-"},
        {"Range": "bytes=0-3", "If-Range": TAG},
    ],
    ids=str,
)
def test_dates_and_ranges_are_ignored(service, fields):
    """There is no Last-Modified and no partial content: the whole value is the answer."""
    assert_value(service.fib(10, fields=fields), 10, "json")


def test_if_none_match_decides_where_a_date_is_sent_too(service):
    fields = {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert_value(service.fib(10, fields=fields), 10, "json")


@pytest.mark.parametrize("fields", [{"If-None-Match": "*"}, {"If-Match": "*"}, {"If-None-Match": TAG}])
def test_a_bad_n_is_refused_whatever_the_precondition(service, fields):
    assert_problem(service.fib("abc", fields=fields), "invalid-parameter", 400)
    assert_problem(service.fib("99999999", fields=fields), "n-too-large", 422)
