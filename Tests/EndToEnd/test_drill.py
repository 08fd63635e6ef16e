"""Restarts and the loss of Redis cost no request: the drill of `make drill`, with less time between its changes."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socketserver
import subprocess
import sys
import threading
import time

import oracle
import pytest
import verified_load
from drill import Drill, Pace
from load_balancer import LoadBalancer
from rawhttp import Connection, ConnectionClosed, request_bytes
from service import REPOSITORY, LineReader, wait_until

DRILL = REPOSITORY / "Scripts" / "drill"


def test_restarts_and_the_loss_of_redis_cost_no_request_no_line_and_no_span(binary, figure):
    lines: list[str] = []
    with Drill(Pace.short(), say=lines.append) as drill:
        passed = drill.run()
        figure("drill\n" + drill.report())
    assert passed, "\n".join([*lines, *drill.problems])


def members(group: int) -> list[str]:
    """The command lines of the processes of a group."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group and (words := (folder / "cmdline").read_bytes()):
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_drill_that_is_interrupted_ends_what_it_has_started(binary, number):
    process = subprocess.Popen(
        [sys.executable, str(DRILL), "--short"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = LineReader(process.stdout)
    try:
        wait_until(lambda: any("is out" in line for line in output.lines), 60, "a process is on its way out")
        assert len(members(process.pid)) >= 5, "two of the service, two Redis, HAProxy"
        process.send_signal(number)
        assert process.wait(60) == 128 + number, output.lines[-5:]
        assert members(process.pid) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        output.join(5)
        process.stdout.close()


def test_a_drill_that_cannot_run_gives_no_verdict(binary, tmp_path):
    result = subprocess.run(
        [sys.executable, str(DRILL)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2 and "redis-server is missing" in result.stderr, result.stderr


def test_both_oracles_agree():
    """The load's own, which needs only Python, and that of the other tests."""
    for n in [*range(200), 9_999, 100_000]:
        for representation in ("json", "text"):
            assert verified_load.body(n, representation) == oracle.body(n, representation)
            assert verified_load.content_length(n, representation) == oracle.content_length(n, representation)
    for n in (999_999, 10_000_000, 123_456_789):
        assert verified_load.digit_count(n) == oracle.digit_count(n)


def run_drill(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(DRILL), *arguments], capture_output=True, text=True, timeout=60)


def test_the_load_alone_reports_on_a_service_elsewhere(service, tmp_path):
    report = tmp_path / "report.json"
    url = f"http://127.0.0.1:{service.port}"
    result = run_drill("--url", url, "--seconds", "2", "--every", "1", "--rate", "100", "--json", str(report))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no request failed" in result.stdout
    said = json.loads(report.read_text())
    assert said["passed"] and said["phases"][-1]["failures"] == 0
    assert said["phases"][-1]["requests"] > 100


def test_the_load_alone_says_what_failed(start):
    """A service that ends without a balancer loses requests: a load that did not notice would prove nothing."""
    service = start()
    threading.Timer(1, service.kill).start()
    result = run_drill("--url", f"http://127.0.0.1:{service.port}", "--seconds", "2", "--rate", "100")
    assert result.returncode == 1, result.stdout
    assert "FAILED: " in result.stdout and "ConnectionRefusedError" in result.stdout


@pytest.mark.parametrize(("settings", "code"), [({}, 1), ({"allow": True}, 0)])
def test_refusals_of_the_limiter_are_failures_unless_they_are_expected(start, settings, code):
    service = start(RATE_LIMIT_BUDGET=200, RATE_LIMIT_WINDOW_SECONDS=60)
    allowed = ["--allow-429"] if settings else []
    result = run_drill("--url", f"http://127.0.0.1:{service.port}", "--seconds", "2", "--rate", "200", *allowed)
    assert result.returncode == code, result.stdout


def test_wrong_digits_do_not_pass(start):
    question = verified_load.Question("small", 90)
    good = verified_load.Reply(
        200,
        {
            "etag": question.etag,
            "x-request-id": "a",
            "content-type": "application/json",
            "content-length": str(verified_load.content_length(90, "json")),
        },
        verified_load.body(90, "json"),
    )
    assert verified_load.fault(question, good, "a") is None
    good.body = good.body.replace(b"2880067194370816120", b"2880067194370816121")
    assert verified_load.fault(question, good, "a") == "wrong digits"
    assert "x-request-id" in verified_load.fault(question, good, "b")


@pytest.mark.parametrize("framing", [b"Content-Length: x", b"Transfer-Encoding: chunked"])
def test_an_answer_without_an_end_is_a_failure_as_any_other(framing):
    """It must not take the connection's worker along: what that would have asked next would never be told of."""

    class Garbage(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\nx\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Garbage) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with verified_load.running(verified_load.VerifiedLoad(url, 100, 2, largest=100_000)) as load:
            wait_until(lambda: len(load.outcomes) > 20, 10, "twenty answers")
        server.shutdown()
    # 304 and answers to HEAD have no content, but a status or fields that are wrong.
    assert len(load.failures) == len(load.outcomes)


def test_connections_that_arrive_while_the_listener_closes_do_no_harm(start, figure):
    """Without a drain, under a flood of new connections, many times: answers are whole, and the exit code is 0."""
    answered = 0
    for _ in range(40):
        service = start(SHUTDOWN_DRAIN_SECONDS=0, LOG_LEVEL="warning")
        stopped = threading.Event()
        counts = [0] * 6

        def flood(index: int, port: int = service.port, stopped=stopped, counts=counts) -> None:
            request = request_bytes("/v1/fib?n=90")
            while not stopped.is_set():
                try:
                    with Connection(port, 5) as connection:
                        connection.send(request)
                        assert connection.read_response().body == oracle.json_body(90)
                    counts[index] += 1
                except (OSError, ConnectionClosed):
                    pass

        threads = [threading.Thread(target=flood, args=(index,), daemon=True) for index in range(len(counts))]
        for thread in threads:
            thread.start()
        wait_until(lambda counts=counts: sum(counts) > 100, 10, "the flood is on")
        service.signal()
        code = service.wait()
        stopped.set()
        for thread in threads:
            thread.join(10)
        assert code == 0, "\n".join(service.stderr.lines[:40])
        answered += sum(counts)
    figure(f"connections while the listener closed: {answered} answered, every exit code 0")


def test_a_crash_is_hidden_by_the_retries_that_are_shipped(start):
    """A process that is killed: the balancer asks the other one for what had not been answered."""
    services = [start(TRUSTED_PROXIES="127.0.0.1") for _ in range(2)]
    balancer = LoadBalancer([(one.port, one.admin_port) for one in services], retries=2)
    try:
        balancer.start()
        with verified_load.running(verified_load.VerifiedLoad(balancer.url, 150, 8, largest=100_000)) as load:
            time.sleep(0.5)
            services[0].kill()
            balancer.wait_for("api-1", "DOWN")
            time.sleep(0.3)
    finally:
        balancer.close()
    assert [one.failure for one in load.failures] == []
