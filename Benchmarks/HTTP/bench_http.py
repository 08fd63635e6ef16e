"""Measures a cached GET next to nginx's `return 200` of the same bytes, in alternating runs on one machine.

Prints, for each server, requests a second and the CPU time that its process spent on one request, and the ratio of the
the two. Only loopback addresses are used, and every run is bounded in time.
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
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64


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


def nginx_configuration(folder: str, port: int, body: str) -> str:
    return f"""
daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log; keepalive_requests 1000000000; default_type application/json;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}
}}
"""


def show(name: str, samples: list[Sample]) -> float:
    cpu = statistics.median(sample.microseconds_per_request for sample in samples)
    rate = statistics.median(sample.requests_per_second for sample in samples)
    errors = sum(sample.errors for sample in samples)
    memory = " → ".join(f"{sample.resident_kib / 1024:.1f}" for sample in (samples[0], samples[-1]))
    print(f"| {name} | {cpu:.1f} | {rate:,.0f} | {errors} | {memory} |")
    return cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/fibonacci-api", help="the release binary")
    parser.add_argument("--seconds", type=int, default=30, help="length of a run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each server")
    parser.add_argument("--n", type=int, default=90, help="which number to ask for")
    options = parser.parse_args()
    missing = [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found: install with 'apt-get install {' '.join(missing)}'")

    port, admin_port, nginx_port = free_port(), free_port(), free_port()
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "ADMIN_PORT": str(admin_port), "SHUTDOWN_DRAIN_SECONDS": "0"}
    url = f"http://127.0.0.1:{port}/v1/fib?n={options.n}"
    nginx_url = f"http://127.0.0.1:{nginx_port}/"
    with tempfile.TemporaryDirectory() as folder, running([options.binary, "serve"], settings) as service:
        body = wait_until_answering(url).decode()
        idle = resident_kib(service.pid)
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(nginx_configuration(folder, nginx_port, body))
        with running(["nginx", "-c", str(configuration), "-p", folder]) as nginx:
            wait_until_answering(nginx_url)
            ours, theirs = [], []
            for _ in range(options.runs):
                ours.append(measure(service.pid, url, options.seconds))
                theirs.append(measure(nginx.pid, nginx_url, options.seconds))
    print(f"n = {options.n}, {len(body)} bytes, wrk -t1 -c{CONNECTIONS}, {options.runs} runs of {options.seconds} s\n")
    print("| server | CPU µs a request | requests/s | errors | resident MiB |")
    print("|---|---|---|---|---|")
    cpu = show("fibonacci-api (access log on)", ours)
    nginx_cpu = show("nginx `return 200` (access log on)", theirs)
    print(f"\nCPU a request against nginx: {cpu / nginx_cpu:.2f}×. Resident when idle: {idle / 1024:.1f} MiB.")


if __name__ == "__main__":
    main()
