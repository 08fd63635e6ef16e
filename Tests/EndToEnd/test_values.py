"""F(n) is right, to the last digit, in both representations, and is described exactly."""

import random
from concurrent.futures import ThreadPoolExecutor

import oracle
import pytest
from checks import ACCEPT, assert_value

REPRESENTATIONS = ["json", "text"]
BOUNDARIES = sorted(
    {
        *(93, 94, 185, 186, 187, 188),
        *(power + offset for power in (2**k for k in range(8, 18)) for offset in (-1, 0, 1)),
        *(power + offset for power in (10**k for k in range(3, 6)) for offset in (-1, 0, 1)),
    }
)


def random_numbers() -> list[int]:
    generator = random.Random(20_240_229)
    small = [generator.randrange(1_001, 20_000) for _ in range(300)]
    large = [generator.randrange(20_000, 300_000) for _ in range(40)]
    return small + large


def assert_values(service, numbers, representation: str) -> None:
    """Asks for each number over one connection and checks each answer."""
    with service.connect() as connection:
        for n in numbers:
            response = connection.request(f"/v1/fib?n={n}", fields={"Accept": ACCEPT[representation]})
            assert_value(response, n, representation)


def test_the_oracle_agrees_with_itself():
    """The closed form for the number of digits, on which other tests rely, is exact."""
    for n in [*range(2_000), 99_999, 300_000, 1_000_000]:
        assert oracle.digit_count(n) == len(oracle.digits(n))
        assert oracle.content_length(n, "json") == len(oracle.json_body(n))


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_every_n_up_to_1000_is_exact(service, representation):
    assert_values(service, range(1_001), representation)


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_hundreds_of_random_larger_n_are_exact(service, representation):
    assert_values(service, random_numbers(), representation)


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_n_around_powers_of_two_and_of_ten_is_exact(service, representation):
    assert_values(service, BOUNDARIES, representation)


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_n_of_a_million_is_exact(service, representation):
    assert_values(service, [1_000_000], representation)


def test_the_largest_n_is_exact(service):
    assert_values(service, [10_000_000], "text")


def test_answers_are_exact_under_concurrency(service):
    """Eight clients that ask for different n at the same time each get their own digits."""
    generator = random.Random(7)
    batches = [[generator.randrange(60_000) for _ in range(40)] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for outcome in [pool.submit(assert_values, service, batch, "json") for batch in batches]:
            outcome.result(60)


@pytest.mark.parametrize(
    ("n", "body", "precision"),
    [
        (0, b'{"n":0,"fibonacci":0}', "integer"),
        (1, b'{"n":1,"fibonacci":1}', "integer"),
        (10, b'{"n":10,"fibonacci":55}', "integer"),
        (78, b'{"n":78,"fibonacci":8944394323791464}', "integer"),
        (79, b'{"n":79,"fibonacci":"14472334024676221"}', "string"),
        (100, b'{"n":100,"fibonacci":"354224848179261915075"}', "string"),
    ],
)
def test_json_holds_a_number_while_it_is_exact_in_a_double(service, n, body, precision):
    """Bodies written out by hand, so that the oracle and the service cannot err together."""
    response = service.fib(n)
    assert (response.body, response.field("X-Precision")) == (body, precision)


@pytest.mark.parametrize(("n", "precision"), [(78, "integer"), (79, "string")])
def test_precision_is_the_same_for_text(service, n, precision):
    assert service.fib(n, fields={"Accept": "text/plain"}).field("X-Precision") == precision


@pytest.mark.parametrize("n", [0, 1_000, 47_846, 47_847, 100_000, 478_500, 1_000_000])
def test_the_cost_is_one_token_and_one_more_for_every_ten_thousand_digits(service, n):
    assert service.fib(n).field("X-RateLimit-Cost") == str(1 + len(oracle.digits(n)) // 10_000)
