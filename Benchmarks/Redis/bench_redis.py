#!/usr/bin/env python3
"""Measures the Redis client next to redis-benchmark, in turn, in one run. Prints a table in Markdown.

Ours: so many tasks share one connection. The peers: one connection with as many commands to a batch (-P), and as many
connections with one command each (-c). CPU time is that of the client process as the operating system accounts for it,
its start included. Needs redis-server, redis-cli and redis-benchmark.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time


def run_measured(command: list[str]) -> tuple[str, float]:
    """What a command prints, and the CPU seconds that it took."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed with {process.returncode}")
    return output, usage.ru_utime + usage.ru_stime


def ours(binary: str, port: int, command: str, callers: int, requests: int, size: int) -> dict:
    output, cpu = run_measured([binary, str(port), command, str(callers), str(requests), str(size)])
    found = json.loads(output)
    return {"rate": found["rate"], "p99": found["p99"], "cpu": cpu / found["requests"] * 1e6}


def theirs(port: int, shape: str, command: str, requests: int, size: int) -> dict:
    output, cpu = run_measured(f"redis-benchmark -p {port} {shape} -n {requests} -t {command} -d {size} --csv".split())
    header, row = (line.strip('"').split('","') for line in output.strip().splitlines()[-2:])
    found = dict(zip(header, row, strict=True))
    return {"rate": float(found["rps"]), "p99": float(found["p99_latency_ms"]) * 1e3, "cpu": cpu / requests * 1e6}


def median(results: list[dict], key: str) -> float:
    return statistics.median(result[key] for result in results)


def report(command: str, callers: int, name: str, results: list[dict], mine: list[dict] | None = None) -> None:
    ratio = ""
    if mine:
        ratio = f"{statistics.median(a['cpu'] / b['cpu'] for a, b in zip(mine, results, strict=True)):.2f}×"
    rate, p99, cpu = (median(results, key) for key in ("rate", "p99", "cpu"))
    print(f"| {command.upper()} | {callers} | {name} | {rate:,.0f} | {p99:,.0f} | {cpu:.2f} | {ratio} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=".build/release/bench-redis")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=200, help="size of a value")
    arguments = parser.parse_args()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        options = f"--port {port} --bind 127.0.0.1 --save  --appendonly no --dir {directory}".split(" ")
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True).stdout == b"PONG\n":
                    break
                time.sleep(0.05)
            print("| command | callers | | requests/s | p99 µs | CPU µs a request | ours against it |")
            print("|---|---|---|---|---|---|---|")
            for command in ("get", "set"):
                for callers in (1, 16, 256):
                    requests = 20_000 if callers == 1 else 200_000
                    mine = []
                    peers = {f"-c 1 -P {callers}": [], f"-c {callers} -P 1": []}
                    for _ in range(arguments.rounds):
                        mine.append(ours(arguments.binary, port, command, callers, requests, arguments.bytes))
                        for shape, results in peers.items():
                            results.append(theirs(port, shape, command, requests, arguments.bytes))
                    report(command, callers, "ours", mine)
                    for shape, results in peers.items():
                        report(command, callers, f"redis-benchmark {shape}", results, mine)
        finally:
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()
