"""A value is computed once, for everybody who waits for it, as long as somebody waits, and kept within bounds."""

import contextlib
import time
from collections.abc import Iterable

import oracle
import pytest
from checks import ACCEPT, assert_value, cache_status, is_collapsed, is_computed, is_hit
from rawhttp import Connection, Response, request_bytes

MEGABYTE = 1_048_576
HEAVY = 100_000_000
"""An index whose number takes a large part of a second. Further ones follow it."""


def send_all(service, stack: contextlib.ExitStack, numbers: Iterable[int], timeout: float = 60.0) -> list[Connection]:
    """One connection for each number, all open before the first request is sent."""
    numbers = list(numbers)
    connections = [stack.enter_context(service.connect(timeout)) for _ in numbers]
    for connection, n in zip(connections, numbers, strict=False):
        connection.send(request_bytes(f"/v1/fib?n={n}", fields={"Accept": "text/plain"}))
    return connections


def read_all(connections: list[Connection]) -> list[Response]:
    return [connection.read_response() for connection in connections]


def occupy(service, stack: contextlib.ExitStack, count: int = 2) -> list[Connection]:
    """Keeps a service with one compute thread busy, so that what is asked next has to wait."""
    connections = send_all(service, stack, range(HEAVY, HEAVY + count), timeout=120)
    time.sleep(0.03)
    return connections


@pytest.mark.parametrize("n", [100, 1_234, 100_003, 2_000_003])
def test_what_was_computed_is_a_hit_from_then_on(start, n):
    service = start()
    first, second, third = service.fib(n), service.fib(n), service.fib(n)
    assert cache_status(first) == {"fwd": "uri-miss", "stored": True, "detail": "compute"}
    for response in (second, third):
        assert cache_status(response) == {"hit": True, "detail": "memory"}
        assert_value(response, n, "json")
    service.stop()


def test_the_first_hundred_values_are_hits_on_the_first_request(start):
    service = start()
    with service.connect() as connection:
        for n in range(100):
            response = connection.request(f"/v1/fib?n={n}")
            assert cache_status(response) == {"hit": True, "detail": "memory"}, n
        assert is_computed(connection.request("/v1/fib?n=100"))
    service.stop()


def test_neither_head_nor_a_304_nor_a_refusal_fills_the_cache(start):
    service = start()
    service.fib(5_000, method="HEAD")
    service.fib(5_000, fields={"If-None-Match": "*"})
    service.fib(5_000, fields={"Accept": "image/png"})
    service.fib(5_000, fields={"If-Match": '"other"'})
    assert is_computed(service.fib(5_000))
    service.stop()


def test_both_representations_are_right_whichever_came_first(start):
    service = start()
    for n, order in ((20_001, ("json", "text")), (20_002, ("text", "json"))):
        for representation in (*order, *order):
            assert_value(service.fib(n, fields={"Accept": ACCEPT[representation]}), n, representation)
    service.stop()


def test_fifty_cold_requests_for_one_value_cause_one_computation(start):
    """One of them starts it, the others join it or find its result."""
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000, FIB_MAX_N=1_000_000_000)
    n = 2_000_003
    with contextlib.ExitStack() as stack:
        occupy(service, stack)
        responses = read_all(send_all(service, stack, [n] * 50))
    computed = [cache_status(response) for response in responses if is_computed(response)]
    assert computed == [{"fwd": "uri-miss", "stored": True, "detail": "compute"}]
    assert sum(is_collapsed(response) or is_hit(response) for response in responses) == 49
    assert any(is_collapsed(response) for response in responses), "none joined the computation"
    expected = oracle.text_body(n)
    assert all(response.body == expected for response in responses)
    service.stop()


def test_requests_for_both_representations_share_one_computation(start):
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000, FIB_MAX_N=1_000_000_000)
    with contextlib.ExitStack() as stack:
        occupy(service, stack)
        connections = [stack.enter_context(service.connect(60)) for _ in range(10)]
        kinds = ["json", "text"] * 5
        for connection, kind in zip(connections, kinds, strict=False):
            connection.send(request_bytes("/v1/fib?n=1000003", fields={"Accept": ACCEPT[kind]}))
        responses = read_all(connections)
    assert sum(is_computed(response) for response in responses) == 1
    for response, kind in zip(responses, kinds, strict=False):
        assert_value(response, 1_000_003, kind)
    service.stop()


@pytest.mark.parametrize("leaver", [0, 5], ids=["the one who started it", "one who joined it"])
def test_a_client_that_leaves_does_not_take_the_answer_of_others_along(start, leaver):
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000, FIB_MAX_N=1_000_000_000)
    n = 1_500_007
    with contextlib.ExitStack() as stack:
        occupy(service, stack)
        first = send_all(service, stack, [n])
        time.sleep(0.02)
        connections = first + send_all(service, stack, [n] * 9)
        time.sleep(0.02)
        connections.pop(leaver).reset()
        responses = read_all(connections)
    expected = oracle.text_body(n)
    assert [response.status for response in responses] == [200] * 9
    assert all(response.body == expected for response in responses)
    service.stop()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_computation_that_everybody_abandoned_is_cancelled(start, leave, figure):
    """Twenty heavy values are asked for and given up: the next client waits for a fraction of them."""
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000, FIB_MAX_N=1_000_000_000)
    begin = time.monotonic()
    for n in (2 * HEAVY, 2 * HEAVY + 1):
        assert service.fib(n, fields={"Accept": "text/plain"}, timeout=60).status == 200
    one = (time.monotonic() - begin) / 2

    with contextlib.ExitStack() as stack:
        connections = send_all(service, stack, range(2 * HEAVY + 100, 2 * HEAVY + 120))
        time.sleep(0.02)
        for connection in connections:
            getattr(connection, leave)()
    begin = time.monotonic()
    response = service.fib(1_000_033, fields={"Accept": "text/plain"}, timeout=120)
    waited = time.monotonic() - begin
    assert_value(response, 1_000_033, "text")
    figure(f"one computation: {one * 1e3:.0f} ms; waited behind 20 abandoned ones: {waited * 1e3:.0f} ms")
    assert waited < 10 * one, "abandoned computations ran to their end"
    service.stop()


def test_an_abandoned_value_can_be_asked_for_again(start):
    """The cancellation of a computation is not the answer of the next one for the same n."""
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000)
    for _ in range(5):
        with contextlib.ExitStack() as stack:
            for connection in send_all(service, stack, [3_000_001] * 3):
                time.sleep(0.003)
                connection.reset()
        response = service.fib(3_000_001, fields={"Accept": "text/plain"}, timeout=30)
        assert_value(response, 3_000_001, "text")
    service.stop()


def test_memory_stays_bounded_and_the_least_recent_values_go(start, figure):
    """Four megabytes of cache see forty megabytes of values."""
    service = start(CACHE_MEMORY_BYTES=4 * MEGABYTE)
    with service.connect() as connection:
        for n in range(100_000, 100_300):
            connection.request(f"/v1/fib?n={n}")
        before = service.resident_bytes()
        for n in range(100_300, 102_000):
            assert is_computed(connection.request(f"/v1/fib?n={n}"))
        grown = service.resident_bytes() - before
        assert is_hit(connection.request("/v1/fib?n=101999")), "the last value is not kept"
        assert is_computed(connection.request("/v1/fib?n=100000")), "the first value is still kept"
    figure(f"grown by {grown / MEGABYTE:.1f} MB")
    assert grown < 24 * MEGABYTE
    service.stop()


def test_a_value_in_use_outlives_those_that_are_not(start):
    service = start(CACHE_MEMORY_BYTES=4 * MEGABYTE)
    with service.connect() as connection:
        connection.request("/v1/fib?n=90001")
        for n in range(100_000, 101_000):
            connection.request(f"/v1/fib?n={n}")
            assert is_hit(connection.request("/v1/fib?n=90001")), n
    service.stop()


def test_a_value_larger_than_the_cache_is_answered_and_not_stored(start):
    service = start(CACHE_MEMORY_BYTES=MEGABYTE)
    for _ in range(2):
        response = service.fib(9_000_001, fields={"Accept": "text/plain"})
        assert_value(response, 9_000_001, "text")
        assert cache_status(response) == {"fwd": "uri-miss", "detail": "compute"}
    service.stop()


def test_a_cache_of_no_bytes_still_answers(start):
    service = start(CACHE_MEMORY_BYTES=0)
    for _ in range(2):
        assert_value(service.fib(1_000), 1_000, "json")
    service.stop()
