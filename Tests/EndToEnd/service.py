"""Starts the built binary, watches it, and always ends it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

from rawhttp import Connection, ConnectionClosed, Response

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT = 15.0
STOP_TIMEOUT = 30.0
AMPLE_BUDGET = 1_000_000_000

# Names of the service's own settings: what the caller's shell holds must not reach a test.
SETTINGS = [
    "HOST",
    "PORT",
    "ADMIN_PORT",
    "FIB_MAX_N",
    "CACHE_MEMORY_BYTES",
    "CACHE_TTL_SECONDS",
    "CACHE_MAX_VALUE_BYTES",
    "REDIS_URL",
    "REDIS_CLUSTER",
    "REDIS_PASSWORD_FILE",
    "REDIS_CA_FILE",
    "REDIS_CLIENT_CERTIFICATE_FILE",
    "REDIS_CLIENT_KEY_FILE",
    "REDIS_TIMEOUT_MILLISECONDS",
    "REDIS_CONNECT_TIMEOUT_MILLISECONDS",
    "RATE_LIMIT_BUDGET",
    "RATE_LIMIT_WINDOW_SECONDS",
    "TRUSTED_PROXIES",
    "RATE_LIMIT_REDIS_URL",
    "RATE_LIMIT_REDIS_CLUSTER",
    "RATE_LIMIT_REDIS_PASSWORD_FILE",
    "COMPUTE_THREADS",
    "COMPUTE_QUEUE_COST",
    "ARITHMETIC_KERNEL",
    "SHUTDOWN_DRAIN_SECONDS",
    "SHUTDOWN_TIMEOUT_SECONDS",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "HTTP_MAX_CONNECTIONS",
    "HTTP_IDLE_TIMEOUT_SECONDS",
    "HTTP_REQUEST_TIMEOUT_SECONDS",
    "HTTP_WRITE_TIMEOUT_SECONDS",
]


def binary_path() -> pathlib.Path:
    """The binary under test: `FIBONACCI_API_BINARY`, else the release build of this repository."""
    default = REPOSITORY / ".build" / "release" / "fibonacci-api"
    return pathlib.Path(os.environ.get("FIBONACCI_API_BINARY", default))


def clean_environment(**settings: str | int) -> dict[str, str]:
    """The caller's environment without settings of the service, plus `settings`."""
    environment = {
        key: value for key, value in os.environ.items() if key not in SETTINGS and not key.startswith("OTEL_")
    }
    return environment | {key: str(value) for key, value in settings.items()}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. All are held until all are chosen, so they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for candidate in sockets:
            candidate.bind(("127.0.0.1", 0))
        return [candidate.getsockname()[1] for candidate in sockets]


def wait_until(condition, timeout: float, what: str, interval: float = 0.01):
    """The first true value of `condition()`; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        time.sleep(interval)


class LineReader(threading.Thread):
    """Collects the lines of a pipe."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe = pipe
        self.lines: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self.pipe:
            self.lines.append(line.decode("utf-8", errors="surrogateescape").rstrip("\n"))


class Service:
    """A running `fibonacci-api serve` on free ports of 127.0.0.1.

    Keyword arguments are environment variables. Unless a test asks for others, the drain is 0 s, so that
    stopping costs no time, and the limiter has a budget that no test spends: all come from one address. None
    stands for a variable that is not set.
    As a context manager it is ready on entry and is stopped, with its exit code checked, on exit.
    """

    def __init__(self, *, read_stdout: bool = True, **settings: str | int | None):
        self.port, self.admin_port = free_ports(2)
        self.settings = {
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "ADMIN_PORT": self.admin_port,
            "SHUTDOWN_DRAIN_SECONDS": 0,
            "RATE_LIMIT_BUDGET": AMPLE_BUDGET,
            "RATE_LIMIT_WINDOW_SECONDS": 1,
        } | settings
        self.settings = {name: value for name, value in self.settings.items() if value is not None}
        self.read_stdout = read_stdout
        self.process: subprocess.Popen | None = None
        self.stdout: LineReader | None = None
        self.stderr: LineReader | None = None
        self.start_seconds = 0.0

    def __enter__(self) -> Service:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None and self.process.poll() is None:
                self.stop()
        finally:
            self.kill()

    def start(self) -> Service:
        """Starts the server and waits until it says that it is ready."""
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [str(binary_path()), "serve"],
            env=clean_environment(**self.settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.stderr = LineReader(self.process.stderr)
        if self.read_stdout:
            self.stdout = LineReader(self.process.stdout)
        wait_until(self._ready_or_dead, START_TIMEOUT, "ready", interval=0.002)
        assert self.is_alive(), f"exit code {self.process.returncode}: {self.stderr.lines}"
        self.start_seconds = time.monotonic() - begin
        return self

    def _ready_or_dead(self) -> bool:
        if not self.is_alive():
            self.stderr.join(1)
            return True
        return self.readiness() == 200

    def readiness(self) -> int | None:
        """The status of /readyz, or None when nobody answers."""
        try:
            return self.admin("/readyz", timeout=2).status
        except (OSError, ConnectionClosed):
            return None

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def connect(self, timeout: float = 10.0, **options) -> Connection:
        """A connection to the public port."""
        return Connection(self.port, timeout, **options)

    def request(
        self,
        target: str | bytes,
        *,
        method: str = "GET",
        timeout: float = 10.0,
        source: str | None = None,
        **parts,
    ) -> Response:
        """One request to the public port on a connection of its own."""
        with self.connect(timeout, source=source) as connection:
            return connection.request(target, method=method, **parts)

    def fib(self, n: int | str, *, method: str = "GET", timeout: float = 10.0, **parts) -> Response:
        return self.request(f"/v1/fib?n={n}", method=method, timeout=timeout, **parts)

    def admin(self, target: str, *, method: str = "GET", timeout: float = 10.0, **parts) -> Response:
        """One request to the admin port on a connection of its own."""
        with Connection(self.admin_port, timeout) as connection:
            return connection.request(target, method=method, **parts)

    def assert_well(self) -> None:
        """The process is alive and still answers."""
        assert self.is_alive(), f"the service ended with {self.process.returncode}: {self.stderr.lines[-5:]}"
        response = self.fib(10)
        assert (response.status, response.body) == (200, b'{"n":10,"fibonacci":55}')

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """The exit code, once the process has ended."""
        code = self.process.wait(timeout)
        for reader in (self.stdout, self.stderr):
            if reader is not None:
                reader.join(5)
        return code

    def stop(self) -> None:
        """Asks for an orderly end and checks that it is one."""
        self.signal()
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM: {self.stderr.lines[-5:]}"

    def kill(self) -> None:
        """Ends the process if it still runs. Nothing outlives a test."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for reader, pipe in ((self.stdout, self.process.stdout), (self.stderr, self.process.stderr)):
            if reader is not None:
                reader.join(5)
            pipe.close()

    def log(self) -> list[dict]:
        """Everything on stdout so far, parsed; a line that is not a JSON object fails."""
        entries = [json.loads(line) for line in list(self.stdout.lines)]
        assert all(isinstance(entry, dict) for entry in entries)
        return entries

    def access_log(self, request_id: str, timeout: float = 5.0) -> list[dict]:
        """The lines about one request; waits for the first, since lines are written after the answer."""

        def entries() -> list[dict]:
            # The search in the text comes first: parsing every line again and again would be slow.
            lines = [line for line in list(self.stdout.lines) if request_id in line]
            return [entry for entry in map(json.loads, lines) if entry.get("request_id") == request_id]

        return wait_until(entries, timeout, f"a log line with request_id {request_id}")

    def resident_bytes(self) -> int:
        """The resident memory of the process."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def run_command(*arguments: str, timeout: float = 30.0, stdout=subprocess.PIPE, **settings: str | int):
    """Runs the binary to its end with `settings` as its environment; the result has bytes."""
    return subprocess.run(
        [str(binary_path()), *arguments],
        env=clean_environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=timeout,
    )
