"""Fixtures: the binary, one service that most tests share, and a way to start others."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from edge import KINDS, Edge
from redis_server import RedisServer
from service import Service, binary_path

measured: list[str] = []
addresses = itertools.count()
numbers = itertools.count()


@pytest.fixture
def figure() -> Callable[[str], None]:
    """Notes a measured figure, which is printed when all tests are over, whether or not they passed."""
    return measured.append


def pytest_configure() -> None:
    """Lets programs that tests start be ended by signals, also where `nohup` or `&` has had these ignored."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            # Still without effect here, but what is caught is not inherited as ignored.
            signal.signal(number, lambda *_: None)


def pytest_terminal_summary(terminalreporter) -> None:
    if measured:
        terminalreporter.section("figures")
        for line in measured:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def binary() -> str:
    """The path of the binary. Without one every test fails, and says what to do."""
    path = binary_path()
    if not os.access(path, os.X_OK):
        pytest.fail(f"no binary at {path}: run 'make build', or set FIBONACCI_API_BINARY", pytrace=False)
    return str(path)


@pytest.fixture(scope="session")
def service(binary: str) -> Iterator[Service]:
    """A service with default limits. Tests share it, so they must not rely on what it has not computed yet."""
    with Service() as running:
        yield running


@pytest.fixture
def start(binary: str) -> Iterator[Callable[..., Service]]:
    """Starts services with settings of a test's own; none of them outlives the test."""
    started: list[Service] = []

    def start_service(**settings) -> Service:
        one = Service(**settings)
        started.append(one)
        return one.start()

    yield start_service
    for one in started:
        one.kill()


@pytest.fixture
def start_redis() -> Iterator[Callable[..., RedisServer]]:
    """Starts Redis servers of a test's own."""
    started: list[RedisServer] = []

    def start_one(*options: str, **parts) -> RedisServer:
        server = RedisServer(*options, **parts)
        started.append(server)
        return server.start()

    yield start_one
    for server in started:
        server.close()


def make_service_fixture(name: str, description: str, **settings):
    """A fixture for a service with other settings that the tests of one file share."""

    def fixture(binary: str) -> Iterator[Service]:
        with Service(**settings) as running:
            yield running

    fixture.__doc__ = description
    return pytest.fixture(fixture, scope="module", name=name)


@pytest.fixture
def address() -> str:
    """A loopback address that no other test comes from: a client with a full bucket."""
    number = next(addresses)
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


@pytest.fixture(scope="module")
def origin(binary: str) -> Iterator[Service]:
    """The service behind the caches. It trusts them alone, and budgets do not come back within a test."""
    settings = {"RATE_LIMIT_BUDGET": 1_000, "RATE_LIMIT_WINDOW_SECONDS": 31_536_000}
    with Service(TRUSTED_PROXIES="127.0.0.1/32", **settings) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def edge(request: pytest.FixtureRequest, origin: Service) -> Iterator[Edge]:
    """A cache in front of `origin`. Tests share it: each asks for values of its own."""
    one = KINDS[request.param](origin.port)
    try:
        yield one.start()
    finally:
        one.close()


@pytest.fixture(params=KINDS)
def start_edge(request: pytest.FixtureRequest) -> Iterator[Callable[[int], Edge]]:
    """Starts a cache in front of a port of the test's own choice."""
    started: list[Edge] = []

    def start_one(port: int) -> Edge:
        started.append(KINDS[request.param](port))
        return started[-1].start()

    yield start_one
    for one in started:
        one.close()


@pytest.fixture
def n() -> int:
    """A number that no other test asks for, with some hundred digits."""
    return 1_000 + next(numbers)


impatient = make_service_fixture(
    "impatient",
    "A service that waits for slow clients for a second or two only.",
    HTTP_REQUEST_TIMEOUT_SECONDS=1,
    HTTP_IDLE_TIMEOUT_SECONDS=2,
    HTTP_WRITE_TIMEOUT_SECONDS=1,
)

vast = make_service_fixture(
    "vast",
    "A service that takes n up to 10^9, which nobody could compute within a test's patience.",
    FIB_MAX_N=1_000_000_000,
)
