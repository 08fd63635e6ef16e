"""A client that reads slowly gets all of its answer, whatever else happens on its connection meanwhile."""

from __future__ import annotations

import threading
import time

import oracle
import pytest
from service import Service

# Ten million digits: more than the buffers of both ends hold.
N = 50_000_000
CHUNK = 1 << 18
PAUSE = 0.08


@pytest.fixture(scope="module")
def generous(binary):
    """A service that has computed the answer, and whose idle time is shorter than its download."""
    with Service(FIB_MAX_N=N, HTTP_IDLE_TIMEOUT_SECONDS=1, HTTP_WRITE_TIMEOUT_SECONDS=5) as running:
        assert running.fib(N, timeout=60).status == 200
        yield running


def ask(connection, **fields: str) -> None:
    connection.send_request(f"/v1/fib?n={N}", fields={"Accept": "text/plain"} | fields)


def download(connection) -> int:
    """The length of the body, read to its end at some three megabytes a second."""
    expected = oracle.digit_count(N)
    data = bytearray()
    while (head_end := data.find(b"\r\n\r\n")) < 0 or len(data) - head_end - 4 < expected:
        part = connection.socket.recv(CHUNK)
        if not part:
            break
        data += part
        time.sleep(PAUSE)
    return len(data) - data.find(b"\r\n\r\n") - 4


@pytest.mark.parametrize("fields", [{}, {"Connection": "close"}], ids=["keep-alive", "close"])
def test_a_slow_download_is_complete(generous, fields):
    """Neither the idle time nor the end of the connection cuts it off."""
    with generous.connect(timeout=30, receive_buffer=65_536) as connection:
        ask(connection, **fields)
        assert download(connection) == oracle.digit_count(N)


def test_a_slow_download_survives_the_shutdown(generous):
    """SIGTERM waits for an answer that is being taken."""
    with generous.connect(timeout=30, receive_buffer=65_536) as connection:
        ask(connection)
        threading.Timer(0.5, generous.signal).start()
        assert download(connection) == oracle.digit_count(N)
    assert generous.wait() == 0
