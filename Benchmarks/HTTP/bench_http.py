"""Measures what a cached GET costs, next to nginx's `return 200` of the same bytes, with parts of it off and on.

All servers take turns, so that what else the machine does is shared. Prints, for each, the CPU time that its process
spent on one request. With --flood, measures instead what one client's expensive requests do to the latency of others'
cheap ones. Only loopback addresses are used, and every run is bounded in time.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONNECTIONS = 64
PACKAGES = {"redis-server": "redis-server", "nginx": "nginx", "wrk": "wrk"}

# What is switched on, from nothing to everything. A budget of 10^9 a second is never spent.
OFF = {
    "RATE_LIMIT_BUDGET": "0",
    "LOG_LEVEL": "error",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_SDK_DISABLED": "true",
}
LIMITER = {"RATE_LIMIT_BUDGET": "1000000000", "RATE_LIMIT_WINDOW_SECONDS": "1"}
METRICS = {"OTEL_METRICS_EXPORTER": "prometheus"}
LOG = {"LOG_LEVEL": "info"}
TRACES = {
    "OTEL_SDK_DISABLED": "false",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:{collector}",
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.1",
}
SHARED = {"REDIS_URL": "redis://127.0.0.1:{redis}"}
VARIANTS = {
    "everything off": OFF,
    "limiter in memory": OFF | LIMITER,
    "limiter in Redis": OFF | LIMITER | {"RATE_LIMIT_REDIS_URL": "redis://127.0.0.1:{redis}"},
    "metrics": OFF | METRICS,
    "metrics, access log": OFF | METRICS | LOG,
    "metrics, access log, traces of 10 %": OFF | METRICS | LOG | TRACES,
    "limiter and cache in Redis, the same telemetry": OFF | LIMITER | METRICS | LOG | TRACES | SHARED,
    "the same, no value in memory": OFF | LIMITER | METRICS | LOG | TRACES | SHARED | {"CACHE_MEMORY_BYTES": "0"},
    "limiter in memory, metrics, access log, traces of 10 %": OFF | LIMITER | METRICS | LOG | TRACES,
}


@dataclass
class Sample:
    """What one run of wrk saw."""

    requests: int
    cpu_seconds: float
    requests_per_second: float
    errors: int
    resident_kib: int

    @property
    def microseconds_per_request(self) -> float:
        return self.cpu_seconds / self.requests * 1e6


@dataclass
class Server:
    """A running server and the samples taken of it."""

    name: str
    pid: int
    url: str
    samples: list[Sample] = field(default_factory=list)

    def measure(self, seconds: int) -> None:
        self.samples.append(measure(self.pid, self.url, seconds))

    @property
    def cpu(self) -> float:
        return statistics.median(sample.microseconds_per_request for sample in self.samples)

    def row(self, base: float) -> str:
        rate = statistics.median(sample.requests_per_second for sample in self.samples)
        errors = sum(sample.errors for sample in self.samples)
        memory = " → ".join(f"{sample.resident_kib / 1024:.1f}" for sample in (self.samples[0], self.samples[-1]))
        return f"| {self.name} | {self.cpu:.1f} | {self.cpu - base:+.1f} | {rate:,.0f} | {errors} | {memory} |"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process_tree(pid: int) -> list[int]:
    """The process and its children: nginx works in a child of the process that was started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [descendant for child in children for descendant in process_tree(int(child))]


def cpu_seconds(pid: int) -> float:
    total = 0
    for member in process_tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    total = 0
    for member in process_tree(pid):
        status = Path(f"/proc/{member}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
    return total


def wait_until_answering(url: str) -> bytes:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def measure(pid: int, url: str, seconds: int) -> Sample:
    before = cpu_seconds(pid)
    wrk = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 30,
    ).stdout
    used = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", wrk).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", wrk).group(1))
    errors = sum(int(count) for count in re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", wrk))
    return Sample(requests, used, rate, errors, resident_kib(pid))


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str] | None = None):
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def service(binary: str, settings: dict[str, str]):
    """A service on a free port; gives its process and its port."""
    port, admin_port = free_port(), free_port()
    addresses = {"HOST": "127.0.0.1", "PORT": str(port), "ADMIN_PORT": str(admin_port)}
    with running([binary, "serve"], {**addresses, "SHUTDOWN_DRAIN_SECONDS": "0", **settings}) as process:
        wait_until_answering(f"http://127.0.0.1:{admin_port}/readyz")
        yield process, port


@contextlib.contextmanager
def receiving():
    """A collector that takes all spans and looks at none, on a thread; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(10)


def nginx_configuration(folder: str, port: int, body: str) -> str:
    return f"""
daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log; keepalive_requests 1000000000; default_type application/json;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}
}}
"""


def compare(options: argparse.Namespace, stack: contextlib.ExitStack, folder: str) -> None:
    """The variants of the service and nginx, in turn."""
    redis_port, nginx_port = free_port(), free_port()
    command = ["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    stack.enter_context(running(command))
    collector = stack.enter_context(receiving())
    servers = []
    for name, settings in VARIANTS.items():
        ports = {"redis": redis_port, "collector": collector}
        filled = {variable: value.format(**ports) for variable, value in settings.items()}
        process, port = stack.enter_context(service(options.binary, filled))
        servers.append(Server(name, process.pid, f"http://127.0.0.1:{port}/v1/fib?n={options.n}"))
    body = wait_until_answering(servers[0].url).decode()
    idle = resident_kib(servers[-1].pid)
    configuration = Path(folder) / "nginx.conf"
    configuration.write_text(nginx_configuration(folder, nginx_port, body))
    nginx = stack.enter_context(running(["nginx", "-c", str(configuration), "-p", folder]))
    servers.append(Server("nginx `return 200`, access log", nginx.pid, f"http://127.0.0.1:{nginx_port}/"))
    wait_until_answering(servers[-1].url)
    for _ in range(options.runs):
        for server in servers:
            server.measure(options.seconds)
    print(f"n = {options.n}, {len(body)} bytes, wrk -t1 -c{CONNECTIONS}, {options.runs} runs of {options.seconds} s\n")
    print("| server | CPU µs a request | against everything off | requests/s | errors | resident MiB |")
    print("|---|---|---|---|---|---|")
    for server in servers:
        print(server.row(servers[0].cpu))
    ratio = servers[-2].cpu / servers[-1].cpu
    print(f"\n{servers[-2].name}, against nginx: {ratio:.2f}×. Resident when idle: {idle / 1024:.1f} MiB.")


class Prober:
    """Asks for n = 10 every few milliseconds and notes how long that takes.

    Each second for another client, so that none spends its budget.
    """

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def probe(self, seconds: float) -> list[float]:
        durations = []
        start = now = time.monotonic()
        while now - start < seconds:
            address = f"198.51.100.{int(now - start) % 250}".encode()
            begin = time.monotonic()
            self.socket.sendall(b"GET /v1/fib?n=10 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + address + b"\r\n\r\n")
            answer = self.socket.recv(65536)
            now = time.monotonic()
            durations.append(now - begin)
            assert answer.startswith(b"HTTP/1.1 200 "), answer[:40]
            time.sleep(0.002)
        return sorted(durations)


def flood(options: argparse.Namespace, stack: contextlib.ExitStack, folder: str) -> None:
    """n = 10 for some clients, alone and while another floods the service with requests for n above 9,000,000."""
    script = Path(folder) / "flood.lua"
    script.write_text(
        # Another n each time, so that nothing is answered from the cache; after the n comes the pause in milliseconds.
        "local n, pause = 9000000, 0\n"
        "init = function(arguments) pause = tonumber(arguments[1]) end\n"
        "delay = function() return pause end\n"
        "request = function() n = n + 1; "
        'return wrk.format("GET", "/v1/fib?n=" .. n, {["X-Forwarded-For"] = "203.0.113.1"}) end\n'
    )
    floods = {"none": None, f"{CONNECTIONS * 10} requests/s": 100, "as fast as it can": 0}
    print("| limiter | flood | median ms | 99th percentile | 99.9th | flood's answers/s |")
    print("|---|---|---|---|---|---|")
    for name, settings in (("1,000 tokens in 60 s", {}), ("off", {"RATE_LIMIT_BUDGET": "0"})):
        settings = {"TRUSTED_PROXIES": "127.0.0.1", "LOG_LEVEL": "error", **settings}
        for flood_name, pause in floods.items():
            with service(options.binary, settings) as (_, port), contextlib.ExitStack() as flooding:
                rate = "0"
                if pause is not None:
                    url = f"http://127.0.0.1:{port}/"
                    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{options.seconds + 2}s", "-s", str(script), url]
                    process = subprocess.Popen([*command, "--", str(pause)], stdout=subprocess.PIPE, text=True)
                    flooding.callback(process.kill)
                    time.sleep(1)
                durations = Prober(port).probe(options.seconds)
                if pause is not None:
                    output = process.communicate(timeout=30)[0]
                    rate = re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)
                picks = [durations[int(len(durations) * share)] * 1e3 for share in (0.5, 0.99, 0.999)]
                figures = " | ".join(f"{pick:.2f}" for pick in picks)
                print(f"| {name} | {flood_name} | {figures} | {float(rate):,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/fibonacci-api", help="the release binary")
    parser.add_argument("--seconds", type=int, default=10, help="length of a run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each server")
    parser.add_argument("--n", type=int, default=90, help="which number to ask for")
    parser.add_argument("--flood", action="store_true", help="measure latency beside a flood instead")
    options = parser.parse_args()
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} not found: install with 'apt-get install {' '.join(missing)}'")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        (flood if options.flood else compare)(options, stack, folder)


if __name__ == "__main__":
    main()
