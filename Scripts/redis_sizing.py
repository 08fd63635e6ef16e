#!/usr/bin/env python3
"""Measures what values of the cache and buckets of the limiter take in Redis, and prints the tables of deploy/redis.

A real redis-server, a cluster of its own, keeps real values: digits that `fibonacci-api compute` prints, and buckets
that the limiter's own script writes. Sizes are what used_memory grows by, keys and expiry included.
"""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import math
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
BINARY = REPOSITORY / ".build" / "release" / "fibonacci-api"
SCRIPT = REPOSITORY / "Sources" / "RateLimiting" / "Stores" / "RedisStore+Script.swift"
BEGIN, END = "<!-- sizing: begin -->", "<!-- sizing: end -->"
SECONDS_TO_LIVE = 86_400
# Beyond CACHE_MAX_VALUE_BYTES, 1 MiB, nothing is stored: n = 5,017,000 is about the largest.
SINGLE = (90, 1_000, 10_000, 100_000, 1_000_000, 5_000_000)
# Shares of distinct values by the size of n: what a cache holds once traffic of that kind has filled it.
MIXES = {
    "mixed: 7 of 10 near n = 10,000, 2 near 100,000, 1 near 1,000,000": {10_000: 7, 100_000: 2, 1_000_000: 1},
    "large: half of n = 1,000,000 and above": {10_000: 3, 100_000: 2, 1_000_000: 4, 5_000_000: 1},
}
CLIENTS: dict[str, Callable[[int], object]] = {
    "IPv4": lambda number: ipaddress.IPv4Address((203 << 24) + number * 83),
    "IPv6, /64": lambda number: ipaddress.IPv6Network((((0x20010DB8 << 32) + number) << 64, 64)),
}
CLIENT_COUNT = 200_000
MIB, GIB = 1 << 20, 1 << 30


class Redis:
    """A `redis-server` on a free port of 127.0.0.1, of which nothing is left."""

    def __init__(self, policy: str):
        if shutil.which("redis-server") is None:
            sys.exit("redis_sizing: redis-server is missing: apt-get install redis-server")
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            self.port, bus = first.getsockname()[1], second.getsockname()[1]
        self.directory = tempfile.TemporaryDirectory(prefix="redis-sizing-")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.directory.name]
        options += ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--maxmemory-policy", policy]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port), 1)
                break
            except OSError:
                if time.monotonic() > deadline:
                    self.close()
                    sys.exit("redis_sizing: redis-server does not answer")
                time.sleep(0.02)
        self.replies = self.connection.makefile("rb")
        # A cluster of one node: there each key takes its place in the list of its slot, too.
        self.pipeline([("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)])
        while b"cluster_state:ok" not in self.pipeline([("CLUSTER", "INFO")])[0]:
            time.sleep(0.05)

    def __enter__(self) -> Redis:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.directory.cleanup()

    def pipeline(self, commands: list[tuple[bytes | str | int, ...]]) -> list[bytes | int]:
        """The replies to commands that are sent together."""
        parts = []
        for words in commands:
            encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            parts.append(b"*%d\r\n" % len(encoded))
            parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
        self.connection.settimeout(60)
        self.connection.sendall(b"".join(parts))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            sys.exit(f"redis_sizing: Redis refuses: {rest.decode()}")
        if kind == b"$":
            return self.replies.read(int(rest) + 2)[:-2] if rest != b"-1" else b""
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def used(self) -> int:
        """used_memory, which holds neither the buffers of this connection nor what is freed later."""
        text = self.pipeline([("INFO", "memory")])[0].decode()
        figures = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return int(figures["used_memory"]) - int(figures["mem_clients_normal"])


def digits(binary: pathlib.Path, n: int) -> bytes:
    """F(n) as the cache stores it."""
    return subprocess.run([str(binary), "compute", str(n)], check=True, capture_output=True, timeout=60).stdout.strip()


def value_bytes(value: bytes, n: int, count: int) -> float:
    """What one value takes: `count` of them, at keys of the length that n has."""
    with Redis("allkeys-lfu") as redis:
        before = redis.used()
        first = max(n - count // 2, 0)
        for start in range(first, first + count, 64):
            numbers = range(start, min(start + 64, first + count))
            redis.pipeline([("SET", f"fib:{number}", value, "EX", SECONDS_TO_LIVE) for number in numbers])
        return (redis.used() - before) / count


def bucket_bytes(client: Callable[[int], object]) -> float:
    """What a client's bucket takes, as the limiter's own script writes it."""
    source = re.search(r'"""\n(.*?)"""', SCRIPT.read_text(), re.S).group(1)
    with Redis("noeviction") as redis:
        digest = redis.pipeline([("SCRIPT", "LOAD", source)])[0]
        # Most of a window of an hour: no bucket is full again, and gone, before all are counted.
        charge = (3_000_000_000, 0, 3_600_000_000, 1000)
        redis.pipeline([("EVALSHA", digest, 1, "ratelimit:{warm-up}", *charge), ("DEL", "ratelimit:{warm-up}")])
        before = redis.used()
        for start in range(0, CLIENT_COUNT, 200):
            keys = [f"ratelimit:{{{client(number)}}}" for number in range(start, start + 200)]
            redis.pipeline([("EVALSHA", digest, 1, key, *charge) for key in keys])
        assert redis.pipeline([("DBSIZE",)])[0] == CLIENT_COUNT, "buckets have expired, or share a key"
        return (redis.used() - before) / CLIENT_COUNT


def number(value: float) -> str:
    """Three significant digits, with commas."""
    digits = max(0, len(str(int(value))) - 3)
    return f"{round(value / 10**digits) * 10**digits:,.0f}"


def largest_of_all(sizes: dict[int, float], room: int) -> int:
    """The largest N for which every n up to it fits. Sizes in between are on straight lines, as digits are."""
    n, size = next(iter(sizes.items()))
    total = n * size
    for following, larger in list(sizes.items())[1:]:
        whole = (following - n) * (size + larger) / 2
        if total + whole > room:
            slope = (larger - size) / (following - n)
            return n + int((math.sqrt(size * size + 2 * slope * (room - total)) - size) / slope)
        total, n, size = total + whole, following, larger
    return n


def tables(binary: pathlib.Path) -> str:
    values = {n: digits(binary, n) for n in SINGLE}
    sizes = {n: value_bytes(values[n], n, max(20, min(20_000, 20_000_000 // len(values[n])))) for n in SINGLE}
    lines = [
        f"`Scripts/redis_sizing.py`, {version()}, {datetime.date.today().isoformat()}.",
        "",
        "| values of | digits | bytes in Redis | over the digits | values in 1 GiB |",
        "|---|---|---|---|---|",
    ]
    for n, size in sizes.items():
        over = size - len(values[n])
        lines.append(f"| n = {n:,} | {len(values[n]):,} | {size:,.0f} | {over:,.0f} | {number(GIB / size)} |")
    lines += [
        "",
        "| a cache that is full of | mean bytes a value | values in 1 GiB | in 3 shards of 1 GiB |",
        "|---|---|---|---|",
    ]
    one, three = largest_of_all(sizes, GIB), largest_of_all(sizes, 3 * GIB)
    lines.append(f"| every n from 0 on | | up to n = {number(one)} | up to n = {number(three)} |")
    for name, mix in MIXES.items():
        mean = sum(share * sizes[n] for n, share in mix.items()) / sum(mix.values())
        lines.append(f"| {name} | {number(mean)} | {number(GIB / mean)} | {number(3 * GIB / mean)} |")
    lines += [
        "",
        "| buckets of | bytes a client | clients in 1 MiB | in 3 shards of 128 MiB, 80 % full |",
        "|---|---|---|---|",
    ]
    for name, client in CLIENTS.items():
        size = bucket_bytes(client)
        lines.append(f"| {name} | {size:,.0f} | {number(MIB / size)} | {number(3 * 128 * MIB * 0.8 / size)} |")
    return "\n".join(lines)


def version() -> str:
    text = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout
    return "Redis " + re.search(r"v=(\S+)", text).group(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=os.environ.get("FIBONACCI_API_BINARY", BINARY))
    parser.add_argument("--update", type=pathlib.Path, help=f"write the tables between {BEGIN} and {END} of this file")
    arguments = parser.parse_args()
    if not os.access(arguments.binary, os.X_OK):
        sys.exit(f"redis_sizing: no binary at {arguments.binary}: run 'make build', or set FIBONACCI_API_BINARY")
    text = tables(pathlib.Path(arguments.binary))
    if arguments.update is None:
        print(text)
        return
    page = arguments.update.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"redis_sizing: {arguments.update} needs one line {BEGIN} and one line {END}")
    head, rest = page.split(BEGIN)
    arguments.update.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
