"""Starting, draining and stopping."""

import contextlib
import json
import signal
import socket
import subprocess
import time

import pytest
from checks import assert_value
from rawhttp import Connection, exchange, request_bytes
from service import LineReader, clean_environment, free_ports, run_command, wait_until


def readiness(service) -> tuple[int, str]:
    response = service.admin("/readyz")
    return response.status, response.json()["status"]


def wait_for_draining(service) -> None:
    wait_until(lambda: service.readiness() == 503, 3, "not ready after a signal", interval=0.01)


def accepts_connections(port: int) -> bool:
    try:
        Connection(port, 1).close()
        return True
    except OSError:
        return False


def test_the_service_is_ready_quickly(start, figure):
    """Warm-up included. The figure is printed; the bound allows for a busy machine."""
    seconds = []
    for _ in range(5):
        service = start()
        seconds.append(service.start_seconds)
        service.stop()
    figure(f"start to ready: best {min(seconds) * 1e3:.0f} ms, worst {max(seconds) * 1e3:.0f} ms")
    assert min(seconds) < 1


def test_the_start_is_logged_with_the_ports_that_were_chosen(start):
    service = start()
    logged = wait_until(
        lambda: {entry["listener"]: entry["port"] for entry in service.log() if entry["message"] == "listening"},
        5,
        "listening",
    )
    assert logged == {"public": service.port, "admin": service.admin_port}
    service.stop()


def test_port_zero_means_any_free_port(binary):
    """The chosen ports are in the log line that says where the service listens."""
    process = subprocess.Popen(
        [binary, "serve"],
        env=clean_environment(HOST="127.0.0.1", PORT=0, ADMIN_PORT=0, SHUTDOWN_DRAIN_SECONDS=0),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        reader = LineReader(process.stdout)
        wait_until(lambda: any('"ready"' in line for line in reader.lines), 15, "readiness")
        entries = [json.loads(line) for line in reader.lines]
        ports = {entry["listener"]: entry["port"] for entry in entries if entry["message"] == "listening"}
        assert exchange(ports["public"], request_bytes("/v1/fib?n=10")).status == 200
        assert exchange(ports["admin"], request_bytes("/v1/fib?n=10")).status == 404
    finally:
        process.kill()
        process.wait(10)
        reader.join(5)
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_answers_requests_and_then_ends_in_order(start, number):
    """Not ready at once, so that nobody new is sent here; whoever comes anyway is served; then exit 0."""
    service = start(SHUTDOWN_DRAIN_SECONDS=2)
    with service.connect() as kept:
        assert kept.request("/v1/fib?n=10").status == 200
        begin = time.monotonic()
        service.signal(number)
        wait_for_draining(service)
        assert readiness(service) == (503, "draining")
        assert service.admin("/livez").status == 200
        response = kept.request("/v1/fib?n=11")
        assert_value(response, 11, "json")
        assert response.closes
        kept.assert_closed_by_server()
        fresh = service.fib(12)
        assert_value(fresh, 12, "json")
        assert fresh.closes
    assert service.wait(10) == 0
    assert 1.5 < time.monotonic() - begin < 6
    assert not accepts_connections(service.port)
    assert not accepts_connections(service.admin_port)


def test_an_idle_connection_does_not_hold_up_the_end(start):
    service = start(SHUTDOWN_DRAIN_SECONDS=0)
    with service.connect() as used, service.connect() as unused:
        assert used.request("/v1/fib?n=10").status == 200
        service.signal()
        assert service.wait(10) == 0
        used.assert_closed_by_server()
        unused.assert_closed_by_server()


def test_requests_in_flight_are_answered_before_the_end(start):
    """Seconds of queued work at the time of the signal: every client gets all of its digits."""
    service = start(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000)
    numbers = range(9_950_000, 9_950_010)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.connect(60)) for _ in numbers]
        for connection, n in zip(connections, numbers, strict=False):
            connection.send(request_bytes(f"/v1/fib?n={n}", fields={"Accept": "text/plain"}))
        time.sleep(0.1)
        service.signal()
        for connection, n in zip(connections, numbers, strict=False):
            assert_value(connection.read_response(), n, "text")
            connection.assert_closed_by_server()
    assert service.wait(10) == 0


def test_a_request_that_takes_too_long_does_not_hold_up_the_end_for_ever(start):
    """SHUTDOWN_TIMEOUT_SECONDS bounds the wait for what is in flight."""
    service = start(
        SHUTDOWN_TIMEOUT_SECONDS=1, FIB_MAX_N=1_000_000_000, COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1_000_000
    )
    with service.connect() as connection:
        connection.send(request_bytes("/v1/fib?n=200000000"))
        time.sleep(0.2)
        begin = time.monotonic()
        service.signal()
        service.wait(15)
    assert time.monotonic() - begin < 10


def test_half_a_request_does_not_hold_up_the_end_for_ever(start):
    service = start(SHUTDOWN_TIMEOUT_SECONDS=1)
    with service.connect() as connection:
        connection.send(b"GET /v1/fib?n=1")
        time.sleep(0.1)
        begin = time.monotonic()
        service.signal()
        service.wait(15)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_service_at_once(start, first):
    service = start(SHUTDOWN_DRAIN_SECONDS=30)
    service.signal(first)
    wait_for_draining(service)
    begin = time.monotonic()
    service.signal(signal.SIGTERM)
    assert service.wait(5) != 0
    assert time.monotonic() - begin < 2


def test_there_is_no_error_in_the_log_of_an_ordinary_life(start):
    service = start()
    service.fib(1_000)
    service.stop()
    assert [entry for entry in service.log() if entry["level"] in ("error", "critical", "warning")] == []
    assert service.stderr.lines == []


@pytest.mark.parametrize("name", ["PORT", "ADMIN_PORT"])
def test_a_port_in_use_is_one_clear_line(binary, name):
    port, other = free_ports(2)
    settings = {"HOST": "127.0.0.1", "PORT": other, "ADMIN_PORT": other, name: port}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = run_command("serve", timeout=15, **settings)
    assert result.returncode not in (0, 78) and result.returncode > 0, "a crash, or a success"
    assert_one_line_about(result.stderr, str(port))


def test_an_address_that_is_not_ours_is_one_clear_line(binary):
    port, admin_port = free_ports(2)
    result = run_command("serve", timeout=15, HOST="192.0.2.1", PORT=port, ADMIN_PORT=admin_port)
    assert result.returncode > 0
    assert_one_line_about(result.stderr, "192.0.2.1")


def assert_one_line_about(stderr: bytes, subject: str) -> None:
    lines = stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("fibonacci-api: ") and subject in lines[0], lines[0]


def test_healthcheck_succeeds_while_the_service_is_ready(service):
    result = run_command("healthcheck", ADMIN_PORT=service.admin_port)
    assert (result.returncode, result.stderr) == (0, b"")


def test_healthcheck_fails_while_the_service_drains(start):
    service = start(SHUTDOWN_DRAIN_SECONDS=5)
    service.signal()
    wait_for_draining(service)
    assert run_command("healthcheck", ADMIN_PORT=service.admin_port).returncode == 1


def test_healthcheck_fails_where_nobody_listens(binary):
    begin = time.monotonic()
    result = run_command("healthcheck", ADMIN_PORT=free_ports(1)[0])
    assert result.returncode == 1
    assert len(result.stderr.decode().splitlines()) <= 1
    assert time.monotonic() - begin < 10


def test_healthcheck_does_not_wait_for_ever_for_an_answer(binary):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert run_command("healthcheck", ADMIN_PORT=silent.getsockname()[1], timeout=15).returncode == 1


def test_an_option_wins_over_its_variable(binary):
    """`serve --port` is the same setting as PORT, for whoever types the command."""
    port, admin_port = free_ports(2)
    process = subprocess.Popen(
        [binary, "serve", "--host", "127.0.0.1", "--port", str(port), "--admin-port", str(admin_port)],
        env=clean_environment(PORT=1, SHUTDOWN_DRAIN_SECONDS=0),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        reader = LineReader(process.stdout)
        wait_until(lambda: any('"ready"' in line for line in reader.lines), 15, "readiness")
        assert exchange(port, request_bytes("/v1/fib?n=10")).status == 200
    finally:
        process.kill()
        process.wait(10)
        reader.join(5)
        process.stdout.close()


def test_a_malformed_option_is_refused_like_its_variable(binary):
    result = subprocess.run(
        [binary, "serve", "--port", "abc"], env=clean_environment(), capture_output=True, text=True, timeout=10
    )
    assert result.returncode == 78
    assert result.stderr == "fibonacci-api: PORT is 'abc': expected an integer from 0 to 65535\n"
