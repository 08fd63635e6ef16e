"""Requests made up from the description get answers that the description allows."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()

LIMITS = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations(service) -> list:
    """The operations of the live service's own description; their requests go to the live service."""
    base = f"http://127.0.0.1:{service.port}"
    schema = schemathesis.openapi.from_dict(service.request("/openapi.json").json())
    schema.config.update(base_url=base)
    return [result.ok() for result in schema.get_all_operations()]


def try_operation(operation, mode: GenerationMode) -> int:
    """Sends made-up requests and applies every check that schemathesis has; returns how many it sent."""
    sent = 0

    @LIMITS
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        nonlocal sent
        sent += 1
        case.call_and_validate(timeout=10)

    run()
    return sent


def test_the_description_has_operations_to_try(operations):
    """Guards against a description that is empty, of which every promise would be kept."""
    labels = {operation.label for operation in operations}
    assert {"GET /v1/fib", "HEAD /v1/fib", "GET /healthz", "GET /openapi.json"} <= labels
    assert len(CHECKS.get_all()) > 5


def test_requests_that_keep_to_the_description_are_answered_as_described(operations, subtests):
    for operation in operations:
        with subtests.test(operation.label):
            assert try_operation(operation, GenerationMode.POSITIVE) > 0


def test_requests_that_break_the_description_are_refused_as_described(operations, subtests):
    """Only an operation with parameters has a description that a request can break."""
    breakable = [operation for operation in operations if len(operation.query) > 0]
    assert breakable
    for operation in breakable:
        with subtests.test(operation.label):
            assert try_operation(operation, GenerationMode.NEGATIVE) > 0
