"""Constant load whose every answer is verified: status, fields and each digit. Needs nothing but Python.

Requests leave at fixed times, whatever became of those before (an open loop), and latency counts from the time at which
a request should have left. Nothing is sent twice. What is expected comes from an oracle that shares no code with the
service.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import decimal
import functools
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ACCEPT = {"json": "application/json", "text": "text/plain"}
CONTENT_TYPE = {"json": "application/json", "text": "text/plain; charset=utf-8"}
LAST_JSON_NUMBER = 78
LARGE = (100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000)
LARGEST_HEAD = 1 << 16


# The oracle


def digit_count(n: int) -> int:
    """The number of digits of F(n), in closed form."""
    if n < 2:
        return 1
    with decimal.localcontext() as context:
        context.prec = 60
        root = decimal.Decimal(5).sqrt()
        logarithm = n * ((1 + root) / 2).log10() - root.log10()
        return int(logarithm.to_integral_value(decimal.ROUND_FLOOR)) + 1


@functools.lru_cache(maxsize=1024)
def digits(n: int) -> str:
    """F(n) in decimal, by doubling on Python's decimal numbers, with an error in place of any rounding."""
    with decimal.localcontext() as context:
        context.prec = digit_count(n) + 8
        context.Emax, context.Emin = decimal.MAX_EMAX, decimal.MIN_EMIN
        context.traps[decimal.Inexact] = True
        current, following = decimal.Decimal(0), decimal.Decimal(1)
        for bit in f"{n:b}":
            current, following = (
                current * (2 * following - current),
                current * current + following * following,
            )
            if bit == "1":
                current, following = following, current + following
        return format(current, "f")


def body(n: int, representation: str) -> bytes:
    if representation == "text":
        return digits(n).encode()
    quote = "" if n <= LAST_JSON_NUMBER else '"'
    return f'{{"n":{n},"fibonacci":{quote}{digits(n)}{quote}}}'.encode()


def content_length(n: int, representation: str) -> int:
    if representation == "text":
        return digit_count(n)
    quotes = 0 if n <= LAST_JSON_NUMBER else 2
    return len(f'{{"n":{n},"fibonacci":}}') + quotes + digit_count(n)


# What is asked for


@dataclass(frozen=True)
class Question:
    """One request and all that decides its answer."""

    kind: str
    n: int
    representation: str = "json"
    method: str = "GET"
    is_conditional: bool = False

    @property
    def etag(self) -> str:
        return f'"fib-v1-{self.representation}-{self.n}"'

    def head(self, host: str, identifier: str, trace: str) -> bytes:
        lines = [
            f"{self.method} /v1/fib?n={self.n} HTTP/1.1",
            f"Host: {host}",
            f"Accept: {ACCEPT[self.representation]}",
            f"X-Request-ID: {identifier}",
            f"traceparent: 00-{trace}-{trace[16:]}-01",
        ]
        if self.is_conditional:
            lines.append(f"If-None-Match: {self.etag}")
        return "".join(line + "\r\n" for line in lines).encode() + b"\r\n"


# Of a hundred requests; large ones are few, and most of the bytes.
SHARES = {"small": 40, "text": 13, "conditional": 15, "head": 10, "new": 18, "large": 4}


def questions(seed: int, largest: int = LARGE[-1]) -> Iterator[Question]:
    """A mix without end: the same for the same seed, but for numbers that have never been asked for."""
    choose = random.Random(seed)
    large = [n for n in LARGE if n <= largest]
    new = iter(choose.sample(range(1_000, min(60_000, largest)), min(50_000, largest - 1_000)))
    kinds, weights = list(SHARES), list(SHARES.values())
    while True:
        kind = choose.choices(kinds, weights)[0]
        representation = choose.choice(("json", "text"))
        if kind == "small":
            yield Question(kind, choose.randrange(100))
        elif kind == "text":
            yield Question(kind, choose.randrange(100), "text")
        elif kind == "conditional":
            yield Question(kind, choose.randrange(largest + 1), representation, is_conditional=True)
        elif kind == "head":
            yield Question(kind, choose.randrange(largest + 1), representation, "HEAD")
        elif kind == "new":
            yield Question(kind, next(new, 1_000), representation)
        else:
            yield Question(kind, choose.choice(large), representation)


# What came back


@dataclass
class Reply:
    """The head of an answer, and its body."""

    status: int
    fields: dict[str, str]
    body: bytes = b""

    @property
    def closes(self) -> bool:
        return "close" in self.fields.get("connection", "").lower()


def fault(question: Question, reply: Reply, identifier: str, allow_limited: bool = False) -> str | None:
    """What is wrong with an answer, or None."""
    if reply.status == 429 and allow_limited:
        return None if reply.fields.get("retry-after", "").isdigit() else "429 without Retry-After"
    expected = 304 if question.is_conditional else 200
    if reply.status != expected:
        return f"status {reply.status} in the place of {expected}"
    fields = {"etag": question.etag, "x-request-id": identifier}
    if expected == 200:
        fields["content-type"] = CONTENT_TYPE[question.representation]
        fields["content-length"] = str(content_length(question.n, question.representation))
    for name, value in fields.items():
        if reply.fields.get(name) != value:
            return f"{name} is {reply.fields.get(name)!r} in the place of {value!r}"
    wanted = body(question.n, question.representation) if expected == 200 and question.method == "GET" else b""
    return None if reply.body == wanted else "wrong digits"


@dataclass
class Outcome:
    """What became of one request. Times are of the monotonic clock."""

    identifier: str
    trace: str
    question: Question
    phase: str
    due: float
    end: float = 0.0
    status: int | None = None
    failure: str | None = None

    @property
    def latency(self) -> float:
        return self.end - self.due


@dataclass
class Summary:
    """Requests of one phase, or of all."""

    name: str
    seconds: float
    requests: int = 0
    failures: int = 0
    limited: int = 0
    milliseconds: dict[str, float] = field(default_factory=dict)
    # Between two answers that were right; None where it says nothing.
    longest_gap_ms: float | None = None

    @classmethod
    def of(cls, name: str, outcomes: list[Outcome]) -> Summary:
        begin, end = min(one.due for one in outcomes), max(one.end for one in outcomes)
        summary = cls(name, end - begin, len(outcomes))
        summary.failures = sum(one.failure is not None for one in outcomes)
        summary.limited = sum(one.status == 429 for one in outcomes)
        latencies = sorted(one.latency for one in outcomes)
        for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
            index = min(len(latencies) - 1, int(share * len(latencies)))
            summary.milliseconds[label] = round(latencies[index] * 1e3, 2)
        successes = sorted(one.end for one in outcomes if one.failure is None)
        moments = [begin, *successes]
        gaps = [later - earlier for earlier, later in zip(moments, moments[1:], strict=False)]
        summary.longest_gap_ms = round(max(gaps, default=end - begin) * 1e3, 1)
        return summary


HEADINGS = ("phase", "seconds", "requests", "failed", "429", "p50 ms", "p95 ms", "p99 ms", "slowest ms", "gap ms")


def table(summaries: list[Summary]) -> str:
    """Summaries as a table in Markdown."""
    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    for one in summaries:
        counts = (one.name, f"{one.seconds:.1f}", f"{one.requests:,}", str(one.failures), str(one.limited))
        times = [f"{one.milliseconds[label]:.1f}" for label in ("p50", "p95", "p99", "max")]
        gap = "" if one.longest_gap_ms is None else f"{one.longest_gap_ms:.0f}"
        rows.append((*counts, *times, gap))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


class Malformed(Exception):
    """What came is not an HTTP answer."""


class VerifiedLoad:
    """Sends `rate` requests a second over some connections, from a thread of its own, until it is stopped."""

    def __init__(
        self,
        url: str,
        rate: float,
        connections: int,
        *,
        seed: int | None = None,
        timeout: float = 10.0,
        largest: int = LARGE[-1],
        allow_limited: bool = False,
    ):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc.rpartition("@")[2]
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.rate, self.connections, self.timeout = rate, connections, timeout
        self.allow_limited = allow_limited
        self.run_identifier = f"{random.SystemRandom().getrandbits(63) + 1:016x}"
        self.questions = questions(seed if seed is not None else int(self.run_identifier, 16), largest)
        self.largest = largest
        self.outcomes: list[Outcome] = []
        self.reconnects = 0
        self.phase = "start"
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run_thread, daemon=True)

    def start(self) -> VerifiedLoad:
        # Before the clock runs, because it takes a while.
        for n in LARGE:
            if n <= self.largest:
                digits(n)
        self.thread.start()
        return self

    def stop(self) -> list[Outcome]:
        """Ends the load once everything that has left is answered or has failed."""
        self.stopped.set()
        self.thread.join(self.timeout + 30)
        if self.error is not None:
            raise self.error
        if self.thread.is_alive():
            raise TimeoutError("the load did not end")
        return self.outcomes

    @property
    def failures(self) -> list[Outcome]:
        return [one for one in list(self.outcomes) if one.failure is not None]

    def summaries(self) -> list[Summary]:
        """One for each phase in the order of time, and one for all."""
        phases = collections.defaultdict(list)
        for one in sorted(self.outcomes, key=lambda one: one.due):
            phases[one.phase].append(one)
        return [Summary.of(name, members) for name, members in phases.items()] + [Summary.of("all", self.outcomes)]

    def _run_thread(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self.error = error

    async def _run(self) -> None:
        queue: asyncio.Queue[Outcome | None] = asyncio.Queue()
        workers = [asyncio.create_task(self._work(queue)) for _ in range(self.connections)]
        begin = time.monotonic()
        count = 0
        while not self.stopped.is_set():
            due = begin + count / self.rate
            question = next(self.questions)
            if question.kind == "new":
                digits(question.n)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            count += 1
            trace = f"{self.run_identifier}{count:016x}"
            queue.put_nowait(Outcome(f"drill-{trace}", trace, question, self.phase, due))
        for _ in workers:
            queue.put_nowait(None)
        await asyncio.gather(*workers)

    async def _work(self, queue: asyncio.Queue[Outcome | None]) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while (outcome := await queue.get()) is not None:
            keep = False
            try:
                async with asyncio.timeout(self.timeout):
                    if connection is not None and connection[0].at_eof():
                        # Closed by the other side while nothing was asked: nothing is lost by that.
                        connection = self._close(connection)
                    if connection is None:
                        self.reconnects += 1
                        connection = await asyncio.open_connection(
                            self.host, self.port, ssl=self.tls, limit=LARGEST_HEAD
                        )
                    reply = await self._exchange(*connection, outcome)
                outcome.status = reply.status
                outcome.failure = fault(outcome.question, reply, outcome.identifier, self.allow_limited)
                keep = not reply.closes
            except (OSError, EOFError, ValueError, Malformed, asyncio.LimitOverrunError, TimeoutError) as error:
                outcome.failure = f"{type(error).__name__}: {error}"
            outcome.end = time.monotonic()
            self.outcomes.append(outcome)
            if not keep:
                connection = self._close(connection)
        self._close(connection)

    @staticmethod
    def _close(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
        if connection is not None:
            connection[1].close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outcome: Outcome) -> Reply:
        question = outcome.question
        writer.write(question.head(self.authority, outcome.identifier, outcome.trace))
        reply = parse_head(await reader.readuntil(b"\r\n\r\n"))
        while reply.status < 200:
            reply = parse_head(await reader.readuntil(b"\r\n\r\n"))
        if question.method != "HEAD" and reply.status not in (204, 304):
            reply.body = await read_body(reader, reply)
        return reply


def parse_head(head: bytes) -> Reply:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise Malformed(f"not a status line: {first[:100]!r}")
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields[name.lower()] = value.strip()
    return Reply(int(words[1]), fields)


async def read_body(reader: asyncio.StreamReader, reply: Reply) -> bytes:
    if "chunked" in reply.fields.get("transfer-encoding", "").lower():
        content = bytearray()
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            content += (await reader.readexactly(size + 2))[:-2]
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return bytes(content)
    if (length := reply.fields.get("content-length")) is not None:
        return await reader.readexactly(int(length))
    return await reader.read()


@contextlib.contextmanager
def running(load: VerifiedLoad) -> Iterator[VerifiedLoad]:
    """The load while the block runs; it has ended after it."""
    load.start()
    try:
        yield load
    finally:
        load.stop()


def describe(outcomes: list[Outcome], since: float, limit: int = 10, say: Callable[[str], None] = print) -> None:
    """Says what failed, when, and by which name to find it in logs and traces."""
    for one in outcomes[:limit]:
        question = one.question
        what = f"{question.method} n={question.n} ({question.kind})"
        say(f"  after {one.due - since:.2f} s, {one.phase}: {what}: {one.failure}; trace {one.trace}")
    if len(outcomes) > limit:
        say(f"  and {len(outcomes) - limit} more")
