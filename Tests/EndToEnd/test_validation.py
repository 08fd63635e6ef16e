"""A bad n is refused with a problem that says what is wrong; a good n is never refused."""

import re

import pytest
from checks import assert_problem, assert_value

# What a query holds after `?`, by what is wrong with it.
MALFORMED = {
    "a plus sign": "n=+5",
    "an encoded plus sign": "n=%2B5",
    "a minus sign": "n=-1",
    "minus zero": "n=-0",
    "a fraction": "n=1.5",
    "a fraction of zero": "n=5.0",
    "an exponent": "n=1e3",
    "hexadecimal": "n=0x10",
    "octal": "n=0o17",
    "binary": "n=0b1",
    "a leading zero": "n=010",
    "two zeros": "n=00",
    "letters": "n=ten",
    "not a number": "n=NaN",
    "infinity": "n=Infinity",
    "true": "n=true",
    "null": "n=null",
    "a group separator": "n=1,000",
    "an underscore": "n=1_000",
    "a leading space": "n=%2010",
    "a trailing space": "n=10%20",
    "a space inside": "n=1%200",
    "a plus for a space": "n=1+0",
    "a tab": "n=10%09",
    "a line feed": "n=10%0A",
    "CRLF and a field": "n=10%0D%0AX-Injected:%20yes",
    "NUL": "n=%00",
    "a digit and NUL": "n=10%00",
    "a byte order mark": "n=%EF%BB%BF10",
    "a no-break space": "n=10%C2%A0",
    "Arabic-Indic digits": "n=%D9%A1%D9%A0",
    "Devanagari digits": "n=%E0%A5%A7%E0%A5%A6",
    "full-width digits": "n=%EF%BC%91%EF%BC%90",
    "mathematical digits": "n=%F0%9D%9F%8F",
    "a superscript": "n=%C2%B2",
    "a Roman numeral": "n=%E2%85%A9",
    "bytes that are not UTF-8": "n=%FF%FE",
    "an overlong zero": "n=%C0%B0",
    "a bare percent sign": "n=%",
    "half an escape": "n=1%3",
    "an escape that is none": "n=%zz",
    "a second question mark": "n=10?",
    "another equals sign": "n=10=",
    "a semicolon": "n=10;m=5",
    "quotation marks": "n=%2210%22",
    "markup": "n=%3Cscript%3Ealert(1)%3C/script%3E",
    "SQL": "n=1%20OR%201=1",
}

MISSING = {
    "no query": "/v1/fib",
    "an empty query": "/v1/fib?",
    "another name": "/v1/fib?m=10",
    "an upper-case name": "/v1/fib?N=10",
    "an array": "/v1/fib?n[]=10",
    "a name with a space": "/v1/fib?n%20=10",
    "a longer name": "/v1/fib?nn=10",
}

EMPTY = {"no value": "/v1/fib?n=", "a name alone": "/v1/fib?n"}

TWICE = {
    "equal values": "/v1/fib?n=10&n=10",
    "different values": "/v1/fib?n=10&n=11",
    "apart": "/v1/fib?n=10&x=1&n=11",
    "an encoded name": "/v1/fib?n=10&%6e=10",
    "one empty": "/v1/fib?n=10&n=",
    "one without a value": "/v1/fib?n&n=10",
    "a bad one first": "/v1/fib?n=abc&n=10",
}

# Queries that a lenient eye takes for wrong, and the n they mean.
GOOD = {
    "n=10": 10,
    "%6e=10": 10,
    "%6E=10": 10,
    "n=%31%30": 10,
    "n=1%30": 10,
    "&n=10": 10,
    "n=10&": 10,
    "&&n=10&&": 10,
    "x=1&n=10&y=n": 10,
    "N=5&n=10": 10,
    "n=10&nn=11": 10,
    "n=10&m=%zz": 10,
    "n=10&=5": 10,
    "n=0": 0,
    "n=%30": 0,
}


def labelled(table: dict[str, str]):
    return [pytest.param(value, id=label) for label, value in table.items()]


def assert_invalid(response) -> str:
    """Returns the detail of an `invalid-parameter` problem."""
    problem = assert_problem(response, "invalid-parameter", 400, instance="/v1/fib")
    assert problem["parameter"] == "n"
    assert re.search(r"\bn\b", problem["detail"]), f"the detail does not name n: {problem['detail']}"
    assert not re.search(r"[\x00-\x1f\x7f]", problem["detail"]), problem["detail"]
    assert response.field("X-Injected") is None
    return problem["detail"]


@pytest.mark.parametrize("query", labelled(MALFORMED))
def test_a_malformed_n_is_refused(service, query):
    assert_invalid(service.request(f"/v1/fib?{query}"))


@pytest.mark.parametrize("target", labelled(MISSING))
def test_a_missing_n_is_refused(service, target):
    assert_invalid(service.request(target))


@pytest.mark.parametrize("target", labelled(EMPTY))
def test_an_empty_n_is_refused(service, target):
    assert_invalid(service.request(target))


@pytest.mark.parametrize("target", labelled(TWICE))
def test_an_n_given_twice_is_refused(service, target):
    assert_invalid(service.request(target))


@pytest.mark.parametrize(("query", "n"), GOOD.items())
def test_other_parameters_and_encoded_digits_do_no_harm(service, query, n):
    assert_value(service.request(f"/v1/fib?{query}"), n, "json")


@pytest.mark.parametrize("raw", [b"n=\xd9\xa1", b"n=1\xff", b"n=\x01", b"n=\x7f"])
def test_raw_bytes_outside_ascii_in_the_query_are_refused(service, raw):
    """Whether the HTTP parser or the validation of n refuses them, it is a 400 and a problem."""
    response = service.request(b"/v1/fib?" + raw)
    slug = response.json()["type"].removeprefix("/docs#")
    assert slug in ("invalid-parameter", "bad-request")
    assert_problem(response, slug, 400)


def test_the_detail_says_which_rule_was_broken(service):
    """Missing, given twice and malformed are three different mistakes, so three different details."""
    details = [
        assert_invalid(service.request(target))
        for target in ("/v1/fib", "/v1/fib?n=1&n=2", "/v1/fib?n=abc", "/v1/fib?n=010")
    ]
    assert len(set(details)) == 4, details
    assert "zero" in details[3].lower(), details[3]


def test_a_head_request_with_a_bad_n_has_the_fields_of_the_problem_and_no_body(service):
    with service.connect() as connection:
        response = connection.request("/v1/fib?n=abc", method="HEAD")
        assert (response.status, response.media_type) == (400, "application/problem+json")
        assert int(response.field("Content-Length")) > 0
        assert connection.request("/v1/fib?n=10").status == 200


@pytest.mark.parametrize(
    "digits",
    [
        "10000001",
        "99999999",
        str(2**63 - 1),
        str(2**63),
        str(2**64),
        str(2**64 + 10),
        "9" * 100,
        "1" + "0" * 4_999,
        "9" * 5_000,
    ],
    ids=lambda digits: f"{len(digits)} digits from {digits[:6]}",
)
def test_an_n_above_the_largest_is_too_large_however_many_digits_it_has(service, digits):
    problem = assert_problem(service.fib(digits), "n-too-large", 422, instance="/v1/fib")
    assert problem["max_n"] == 10_000_000
    assert "10000000" in re.sub(r"[ ,_']", "", problem["detail"]), problem["detail"]


def test_the_largest_n_is_inclusive_and_configurable(start):
    service = start(FIB_MAX_N=100)
    assert_value(service.fib(100), 100, "json")
    assert assert_problem(service.fib(101), "n-too-large", 422)["max_n"] == 100
    service.stop()


def test_a_largest_n_of_zero_leaves_one_answer(start):
    service = start(FIB_MAX_N=0)
    assert_value(service.fib(0), 0, "json")
    assert_problem(service.fib(1), "n-too-large", 422)
    service.stop()


def test_n_is_judged_before_accept_and_preconditions(service):
    """400, then 422, then 406, then 412: the first rule that is broken gives the answer."""
    refused = {"Accept": "image/png", "If-Match": '"other"'}
    assert_problem(service.fib("abc", fields=refused), "invalid-parameter", 400)
    assert_problem(service.fib("99999999", fields=refused), "n-too-large", 422)
    assert_problem(service.fib("10", fields=refused), "not-acceptable", 406)
    assert_problem(service.fib("10", fields={"If-Match": '"other"'}), "precondition-failed", 412)
