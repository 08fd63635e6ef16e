"""Accept chooses between JSON and text by the rules of RFC 9110 §12.5.1."""

import pytest
from checks import assert_not_modified, assert_problem, assert_value

JSON = {
    "no Accept": [],
    "anything": ["*/*"],
    "the type": ["application/json"],
    "upper case": ["APPLICATION/JSON"],
    "its family": ["application/*"],
    "a tie": ["text/plain, application/json"],
    "a tie with weights": ["text/plain;q=0.5, application/json;q=0.5"],
    "a tie of ranges": ["text/*, application/*"],
    "the heavier": ["text/plain;q=0.4, application/json;q=0.5"],
    "a weight of three digits": ["text/plain;q=0.998, application/json;q=0.999"],
    "a full weight": ["application/json;q=1.000"],
    "the least weight": ["application/json;q=0.001"],
    "a weight in upper case": ["application/json;Q=0.7, text/plain;Q=0.6"],
    "spaces around": ["  text/plain ; q=0.1 ,\tapplication/json ; q=0.2 "],
    "empty members": [",, application/json ,"],
    "two lines": ["text/plain;q=0.1", "application/json"],
    "a browser": ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"],
    "text excluded": ["text/plain;q=0, */*"],
    "a specific range against a general one": ["text/plain;q=0.2, */*;q=0.8"],
    "an empty field": [""],
    "garbage alone": ["garbage"],
    "a slash alone": ["/"],
    "half a type": ["text/"],
    "a star for a type alone": ["*/plain"],
    "a weight that is none": ["text/plain;q=abc"],
    "a weight above one": ["text/plain;q=2"],
    "a negative weight": ["text/plain;q=-1"],
    "a weight of four digits": ["text/plain;q=0.1234"],
}

TEXT = {
    "the type": ["text/plain"],
    "mixed case": ["Text/Plain"],
    "its family": ["text/*"],
    "with its charset": ["text/plain;charset=utf-8"],
    "with its charset in upper case": ["text/plain; Charset=UTF-8"],
    "with its charset quoted": ['text/plain;charset="utf-8"'],
    "charset and weight": ["text/plain;charset=utf-8;q=0.9, application/json;q=0.8"],
    "the heavier": ["text/plain;q=0.5, application/json;q=0.4"],
    "the heavier by default": ["application/json;q=0.9, text/plain"],
    "the heavier on another line": ["application/json;q=0.9", "text/plain"],
    "json excluded": ["application/json;q=0, */*"],
    "json excluded with digits": ["application/json;q=0.000, */*;q=0.1"],
    "a general range against a specific one": ["application/json;q=0.2, */*;q=0.8"],
    "a family against everything": ["application/*;q=0.2, */*;q=0.8"],
    "after garbage": ["garbage, text/plain"],
    "after something unknown": ["image/png, text/plain;q=0.1"],
    "after a malformed weight": ["application/json;q=high, text/plain;q=0.1"],
    "an unknown parameter on json": ["application/json;v=2, text/plain;q=0.1"],
}

NOTHING = {
    "another type": ["image/png"],
    "a type of the same family": ["text/html"],
    "the problem type": ["application/problem+json"],
    "everything excluded": ["*/*;q=0"],
    "the only one excluded": ["application/json;q=0"],
    "one excluded, the other unnamed": ["text/plain;q=0, text/*"],
    "both excluded": ["application/json;q=0, text/plain;q=0, */*"],
    "an unknown parameter": ["application/json;v=2"],
    "another charset": ["text/plain;charset=utf-16"],
    "two lines of others": ["image/png", "text/html"],
}


def lines(table: dict[str, list[str]]):
    return [pytest.param([("Accept", value) for value in values], id=label) for label, values in table.items()]


@pytest.mark.parametrize("fields", lines(JSON))
def test_json_is_the_answer(service, fields):
    assert_value(service.fib(79, fields=fields), 79, "json")


@pytest.mark.parametrize("fields", lines(TEXT))
def test_text_is_the_answer(service, fields):
    assert_value(service.fib(79, fields=fields), 79, "text")


@pytest.mark.parametrize("fields", lines(NOTHING))
def test_nothing_acceptable_gives_406_with_a_list_of_what_there_is(service, fields):
    problem = assert_problem(service.fib(79, fields=fields), "not-acceptable", 406, instance="/v1/fib")
    assert {value.split(";")[0] for value in problem["available"]} == {"application/json", "text/plain"}


def test_head_is_negotiated_like_get(service):
    accept = {"Accept": "text/plain"}
    assert_value(service.fib(79, method="HEAD", fields=accept), 79, "text", head=True)
    assert service.fib(79, method="HEAD", fields={"Accept": "image/png"}).status == 406


def test_a_304_is_negotiated_too(service):
    fields = {"Accept": "text/plain", "If-None-Match": '"fib-v1-text-79"'}
    assert_not_modified(service.fib(79, fields=fields), 79, "text")


def test_accept_encoding_and_language_change_nothing(service):
    """The digits are sent as they are; nothing else is offered, and nothing else is in Vary."""
    fields = {"Accept-Encoding": "gzip, br;q=0.5, identity;q=0", "Accept-Language": "de", "Accept-Charset": "utf-16"}
    response = service.fib(10_000, fields=fields)
    assert_value(response, 10_000, "json")
    assert response.field("Content-Encoding") is None


def test_a_very_long_accept_field_is_judged_quickly(service):
    ranges = ", ".join(f"application/x-{index};q=0.{index % 10}" for index in range(300))
    assert_value(service.fib(10, fields={"Accept": f"{ranges}, text/plain"}), 10, "text")
