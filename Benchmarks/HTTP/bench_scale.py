"""Measures how capacity grows with processes: 1, 2 and 4 of the service behind HAProxy, on one Redis.

Each process is given the same share of a core, less than one, as a pod is by its CPU limit: a control group with a
quota of CPU time in each 100 ms. What a process may use so does not depend on how many others there are; HAProxy, Redis
and the clients have what is left of the machine. For each number of processes, at saturation:

- cached: numbers that are in memory, from many clients;
- computed: a new number above 5,100,000 each time, a megabyte of digits, one computation each;
- budget, meanwhile: two clients that take all they can get through the balancer, each from one bucket in Redis.

Then one process with less to do, for the targets of an autoscaler. Needs Linux, root, haproxy, redis-server and wrk.
Only loopback addresses are used, and every run is bounded in time.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench_http import cpu_seconds, free_port, running, wait_until_answering

REPOSITORY = Path(__file__).resolve().parents[2]
HAPROXY = REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg"
PACKAGES = {"haproxy": "haproxy", "redis-server": "redis-server", "wrk": "wrk"}
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BUDGET, WINDOW = 1_000, 10
# Costs of 1 and 5 tokens: enough to spend the budget however long an answer takes at saturation.
GREEDY_NUMBERS = (10, 200_000)
GREEDY_CONNECTIONS = 12
GREEDY_ADDRESSES = ("127.9.0.1", "127.9.0.2")

# Arguments: the first number and how many follow it, 0 for a new one each time; the pause in milliseconds.
# Addresses from a network that is set aside for benchmarks: each client stays far below its budget.
SCRIPT = """
local count, first, numbers, pause = 0, 0, 0, 0
init = function(arguments)
    first, numbers, pause = tonumber(arguments[1]), tonumber(arguments[2]), tonumber(arguments[3])
    count = tonumber(arguments[4])
end
delay = function() return pause > 0 and math.random(0, 2 * pause) or 0 end
request = function()
    count = count + 1
    local n = first + (numbers > 0 and count % numbers or count)
    local address = "198.18." .. math.floor(count / 250) % 250 .. "." .. count % 250 + 1
    return wrk.format("GET", "/v1/fib?n=" .. n, {["X-Forwarded-For"] = address, ["Accept"] = "text/plain"})
end
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "seconds": %f, "mean": %f, "p50": %f, "p95": %f, "p99": %f, "errors": %d}\\n',
        summary.requests, summary.duration / 1e6, latency.mean / 1e3, latency:percentile(50) / 1e3,
        latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Mix:
    """What is asked for, and on how many connections."""

    name: str
    first: int
    numbers: int
    connections: int


CACHED = Mix("cached", 0, 1_000, 64)
COMPUTED = Mix("computed", 5_100_000, 0, 12)


class ControlGroup:
    """A group of processes with a quota of CPU time, in version 1 or 2 of control groups."""

    def __init__(self, name: str, share: float, period_ms: int):
        unified = Path("/sys/fs/cgroup/cgroup.controllers")
        is_second = unified.exists() and "cpu" in unified.read_text().split()
        root = Path("/sys/fs/cgroup") if is_second else Path("/sys/fs/cgroup/cpu")
        self.folder = root / name
        period = period_ms * 1_000
        quota = int(share * period)
        try:
            if is_second:
                (root / "cgroup.subtree_control").write_text("+cpu")
            self.folder.mkdir()
            if is_second:
                (self.folder / "cpu.max").write_text(f"{quota} {period}")
            else:
                (self.folder / "cpu.cfs_period_us").write_text(str(period))
                (self.folder / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            self.close()
            sys.exit(f"no control group with a CPU quota in {root}: {error}. This needs root, outside of a container.")

    def command(self, command: list[str]) -> list[str]:
        """The command, run inside: the shell that becomes it enters first."""
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]

    def close(self) -> None:
        for _ in range(100):
            with contextlib.suppress(OSError):
                if self.folder.exists():
                    self.folder.rmdir()
                return
            time.sleep(0.02)


@dataclass
class Stack:
    """What runs for one number of processes."""

    port: int
    services: list[int]
    balancer: int
    redis: int
    share: float

    def cpu(self) -> tuple[float, float, float]:
        """CPU seconds so far: of all processes of the service, the balancer, Redis."""
        return sum(map(cpu_seconds, self.services)), cpu_seconds(self.balancer), cpu_seconds(self.redis)


@contextlib.contextmanager
def stack(options: argparse.Namespace, processes: int, folder: Path) -> Iterator[Stack]:
    with contextlib.ExitStack() as opened:
        redis_port, port = free_port(), free_port()
        arguments = ["--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        redis = opened.enter_context(running(["redis-server", *arguments]))
        environment = {"LISTEN": f"127.0.0.1:{port}", "STATS_SOCKET": str(folder / "haproxy.sock"), "RETRIES": "0"}
        pids = []
        for number in range(1, processes + 1):
            public, admin = free_port(), free_port()
            group = ControlGroup(f"fibonacci-api-{os.getpid()}-{number}", options.share, options.period_ms)
            opened.callback(group.close)
            settings = {
                "HOST": "127.0.0.1",
                "PORT": str(public),
                "ADMIN_PORT": str(admin),
                "REDIS_URL": f"redis://127.0.0.1:{redis_port}",
                "RATE_LIMIT_BUDGET": str(BUDGET),
                "RATE_LIMIT_WINDOW_SECONDS": str(WINDOW),
                "TRUSTED_PROXIES": "127.0.0.1",
                "REDIS_TIMEOUT_MILLISECONDS": str(options.redis_timeout_ms),
                "COMPUTE_THREADS": "1",
                "SHUTDOWN_DRAIN_SECONDS": "0",
            }
            process = opened.enter_context(running(group.command([options.binary, "serve"]), settings))
            wait_until_answering(f"http://127.0.0.1:{admin}/readyz")
            pids.append(process.pid)
            environment[f"API_{number}"] = f"127.0.0.1:{public}"
            environment[f"API_{number}_ADMIN"] = f"127.0.0.1:{admin}"
        balancer = opened.enter_context(running(["haproxy", "-db", "-f", str(HAPROXY)], environment))
        wait_until_answering(f"http://127.0.0.1:{port}/healthz")
        yield Stack(port, pids, balancer.pid, redis.pid, options.share)


class Greedy:
    """A client that asks as fast as it is answered, and rests for 2 ms when it is refused."""

    def __init__(self, port: int, address: str):
        self.port, self.address = port, address
        self.admitted = self.local = 0
        self.unexpected: dict[int | str, int] = {}
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.begin, self.elapsed = time.monotonic(), 0.0
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(GREEDY_CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 10, source_address=(self.address, 0))
        count = 0
        while not self.stopped.is_set():
            count += 1
            n = GREEDY_NUMBERS[count % len(GREEDY_NUMBERS)]
            try:
                connection.request("GET", f"/v1/fib?n={n}", headers={"Accept": "text/plain"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                # Perhaps admitted, and not counted as such.
                with self.lock:
                    self.unexpected[repr(error)] = self.unexpected.get(repr(error), 0) + 1
                connection.close()
                time.sleep(0.1)
                continue
            with self.lock:
                if answer.status == 200:
                    self.admitted += int(answer.headers["X-RateLimit-Cost"])
                elif answer.status != 429:
                    self.unexpected[answer.status] = self.unexpected.get(answer.status, 0) + 1
                self.local += answer.headers["X-RateLimit-Mode"] == "local"
            if answer.status == 429:
                time.sleep(0.002)
        connection.close()

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)
        self.elapsed = time.monotonic() - self.begin

    @property
    def ceiling(self) -> float:
        return BUDGET + BUDGET / WINDOW * self.elapsed


@dataclass
class Result:
    """What wrk and the processes' clocks say of one run."""

    requests: int
    seconds: float
    milliseconds: dict[str, float]
    errors: int
    cores: tuple[float, float, float]
    share: float
    greedy: list[Greedy] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def in_flight(self) -> float:
        """By Little's law."""
        return self.rate * self.milliseconds["mean"] / 1e3


class Load:
    """Runs wrk, each time on from where it was."""

    def __init__(self, folder: Path):
        self.script = folder / "load.lua"
        self.script.write_text(SCRIPT)
        self.count = 0

    def run(self, target: Stack, mix: Mix, seconds: int, pause: float = 0, connections: int | None = None) -> Result:
        command = ["wrk", "-t1", f"-c{connections or mix.connections}", f"-d{seconds}s", "--timeout", "10s"]
        command += ["-s", str(self.script), f"http://127.0.0.1:{target.port}/", "--"]
        command += [str(word) for word in (mix.first, mix.numbers, pause, self.count)]
        before = target.cpu()
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
        used = [after - earlier for after, earlier in zip(target.cpu(), before, strict=True)]
        said = json.loads(re.search(r"^RESULT (.*)$", output, re.MULTILINE).group(1))
        # More than were answered may have left.
        self.count += said["requests"] + 1_000
        milliseconds = {key: said[key] for key in ("mean", "p50", "p95", "p99")}
        cores = tuple(value / said["seconds"] for value in used)
        return Result(said["requests"], said["seconds"], milliseconds, said["errors"], cores, target.share)


def measure_saturated(options: argparse.Namespace, load: Load, folder: Path) -> dict[tuple[str, int], Result]:
    results = {}
    for processes in options.processes:
        for mix in (CACHED, COMPUTED):
            # Started anew, so that each run begins with full buckets.
            with stack(options, processes, folder) as target:
                load.run(target, CACHED, 1)
                load.run(target, mix, 1)
                greedy = [Greedy(target.port, address) for address in GREEDY_ADDRESSES]
                result = load.run(target, mix, options.seconds)
                for one in greedy:
                    one.stop()
                result.greedy = greedy
                results[mix.name, processes] = result
    return results


def print_saturated(results: dict[tuple[str, int], Result], options: argparse.Namespace) -> None:
    print("| mix | processes | requests/s | against 1 | p50 ms | p95 ms | errors | cores: service, HAProxy, Redis |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, processes), one in results.items():
        base = results[name, options.processes[0]].rate / options.processes[0]
        service, balancer, redis = one.cores
        cores = f"{service:.2f} of {processes * one.share:.2f}, {balancer:.2f}, {redis:.2f}"
        times = f"{one.milliseconds['p50']:.1f} | {one.milliseconds['p95']:.1f}"
        print(f"| {name} | {processes} | {one.rate:,.0f} | {one.rate / base:.2f}× | {times} | {one.errors} | {cores} |")
    print("\n| mix | processes | admitted | at most budget + rate · elapsed | part of it | decided locally | errors |")
    print("|---|---|---|---|---|---|---|")
    for (name, processes), result in results.items():
        for one in result.greedy:
            part = f"{one.admitted / one.ceiling:.2%}"
            rest = f"{one.local} | {sum(one.unexpected.values())}"
            print(f"| {name} | {processes} | {one.admitted:,} | {one.ceiling:,.1f} | {part} | {rest} |")


def measure_less(options: argparse.Namespace, load: Load, folder: Path, saturated: dict) -> None:
    """One process at a part of its capacity, and with few computations under way at a time."""
    print("\n| mix | offered | requests/s | CPU of quota | in flight | p50 ms | p95 ms | p99 ms | errors |")
    print("|---|---|---|---|---|---|---|---|---|")
    with stack(options, 1, folder) as target:
        load.run(target, CACHED, 1)
        # Connections that pause: requests come as from many callers who know nothing of each other.
        for mix, connections in ((CACHED, 256), (COMPUTED, 32)):
            for part in (0.5, 0.7, 0.9):
                pause = connections / (part * saturated[mix.name, 1].rate) * 1e3
                one = load.run(target, mix, options.less_seconds, round(pause), connections)
                print_less(f"{mix.name} | {part:.0%} of capacity", one)
        for connections in (2, 4, 8, 16):
            one = load.run(target, COMPUTED, options.less_seconds, 0, connections)
            print_less(f"{COMPUTED.name} | always {connections}", one)


def print_less(begin: str, one: Result) -> None:
    times = " | ".join(f"{one.milliseconds[key]:.1f}" for key in ("p50", "p95", "p99"))
    cpu = f"{one.cores[0] / one.share:.0%}"
    print(f"| {begin} | {one.rate:,.0f} | {cpu} | {one.in_flight:.1f} | {times} | {one.errors} |", flush=True)


def end_on_signals() -> None:
    """Lets a signal end the program as Ctrl-C does, so that processes and control groups end with it."""

    def interrupt(number: int, _) -> None:
        # Once: another one would keep it from ending what it has started.
        for one in INTERRUPTIONS:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in INTERRUPTIONS:
        signal.signal(number, interrupt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/fibonacci-api", help="the release binary")
    parser.add_argument("--share", type=float, default=0.2, help="of a core, for each process")
    parser.add_argument("--period-ms", type=int, default=100, help="in which the share is given; 100 in Kubernetes")
    parser.add_argument("--redis-timeout-ms", type=int, default=25, help="REDIS_TIMEOUT_MILLISECONDS")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], choices=range(1, 5))
    parser.add_argument("--seconds", type=int, default=8, help="length of a run at saturation")
    parser.add_argument("--less-seconds", type=int, default=5, help="length of a run with less to do; 0: none")
    options = parser.parse_args()
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} not found: install with 'apt-get install {' '.join(missing)}'")
    if not 0 < options.share * max(options.processes) < (os.cpu_count() or 1):
        sys.exit("--share times the number of processes has to leave something of the machine for the others")
    end_on_signals()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load = Load(folder)
        print(f"{options.share:g} of a core each, in periods of {options.period_ms} ms, runs of {options.seconds} s\n")
        results = measure_saturated(options, load, folder)
        print_saturated(results, options)
        if options.less_seconds and 1 in options.processes:
            measure_less(options, load, folder, results)


if __name__ == "__main__":
    main()
