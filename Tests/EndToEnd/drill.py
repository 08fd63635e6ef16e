"""The rollout drill: constant load through restarts of processes and losses of Redis, and an audit of what it left.

Two processes of the service behind HAProxy, which tries nothing twice, a Redis for the cache, one for the limiter, and
a receiver of spans: all real. No request may fail, and each has to leave one line and one server span behind.
"""

from __future__ import annotations

import collections
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from collector import Collector
from load_balancer import LoadBalancer
from rawhttp import ConnectionClosed
from redis_server import RedisServer
from service import Service, wait_until
from verified_load import Outcome, Question, Reply, Summary, VerifiedLoad, describe, fault, table

SERVER_KIND = 2
RECOVERY_TIMEOUT = 30.0
STRAGGLER_TIMEOUT = 5.0
STRAGGLER = Question("small", 90)


@dataclass
class Pace:
    """How hard and how long."""

    rate: float = 200.0
    connections: int = 16
    drain_seconds: int = 3
    check_interval: str = "500ms"
    # How long a state lasts before the next change.
    dwell: float = 3.0

    @classmethod
    def short(cls) -> Pace:
        """For tests: as many changes, with less time between them."""
        return cls(drain_seconds=2, check_interval="100ms", dwell=1.0)


@dataclass
class Life:
    """One process from its start to its end."""

    name: str
    number: int
    exit_code: int | None = None
    # Wall clock in nanoseconds, as in spans.
    ended: int = 0
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.name}, life {self.number}"


class Drill:
    """Everything that runs, what is done to it, and what was seen."""

    def __init__(self, pace: Pace, say: Callable[[str], None] = print):
        self.pace, self.say = pace, say
        self.stack = contextlib.ExitStack()
        self.problems: list[str] = []
        self.lives: list[Life] = []
        self.stragglers: list[Outcome] = []
        self.figures: dict[str, object] = {}
        self.begin = time.monotonic()

    def __enter__(self) -> Drill:
        try:
            self._start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stack.close()

    def _start(self) -> None:
        self.collector = Collector()
        self.stack.callback(self.collector.close)
        self.redis = {"cache": RedisServer(), "limiter": RedisServer("--maxmemory-policy", "noeviction")}
        for server in self.redis.values():
            self.stack.callback(server.close)
            server.start()
        self.services = {name: self._service() for name in ("api-1", "api-2")}
        for service in self.services.values():
            self.stack.callback(service.kill)
            service.start()
        self.balancer = LoadBalancer(
            [(service.port, service.admin_port) for service in self.services.values()],
            interval=self.pace.check_interval,
        )
        self.stack.callback(self.balancer.close)
        self.balancer.start()
        self.load = VerifiedLoad(self.balancer.url, self.pace.rate, self.pace.connections)

    def _service(self) -> Service:
        return Service(
            REDIS_URL=self.redis["cache"].url,
            RATE_LIMIT_REDIS_URL=self.redis["limiter"].url,
            TRUSTED_PROXIES="127.0.0.1",
            SHUTDOWN_DRAIN_SECONDS=self.pace.drain_seconds,
            OTEL_EXPORTER_OTLP_ENDPOINT=self.collector.url,
            OTEL_TRACES_SAMPLER="always_on",
        )

    # What is done

    def run(self) -> bool:
        """All phases, then the audit; whether nothing was lost."""
        self.load.start()
        try:
            self._phases()
        finally:
            self.load.stop()
        self._end()
        self._audit()
        return not self.problems

    def _phases(self) -> None:
        self.phase("steady")
        self.dwell()
        for count, name in enumerate(("api-1", "api-2", "api-2", "api-1"), 1):
            self.restart(name, f"restart {count}, of {name}")
            self.dwell()
        for name in self.redis:
            self.lose(name)
            self.stall(name)
        self.phase("both Redis killed")
        for server in self.redis.values():
            server.kill()
        self.expect_degraded(self.services)
        for name in self.services:
            self.restart(name, f"no Redis, restart of {name}")
        self.phase("both Redis come back")
        for server in self.redis.values():
            server.start()
        self.await_recovery()
        self.phase("steady again")
        self.dwell()

    def phase(self, name: str) -> None:
        self.load.phase = name
        self.say(f"{time.monotonic() - self.begin:6.1f} s  {name}")

    def dwell(self) -> None:
        """Lets the load run for a while."""
        time.sleep(self.pace.dwell)

    def restart(self, name: str, phase: str) -> None:
        """SIGTERM; out of the balancer; drained; ended; started again; back in the balancer."""
        self.phase(phase)
        service = self.services[name]
        signalled = time.monotonic()
        service.signal()
        self.balancer.wait_for(name, "DOWN")
        out = time.monotonic() - signalled
        self.say(f"          {name} is out after {out:.2f} s of {self.pace.drain_seconds} s")
        if out > self.pace.drain_seconds:
            self.problems.append(f"{name} ended its drain before the balancer had taken it out")
        self._straggle(service)
        life = self._bury(name)
        self.say(f"          {name} ended after {time.monotonic() - signalled:.2f} s with exit code {life.exit_code}")
        service.start()
        self.balancer.wait_for(name, "UP", checked=True)

    def lose(self, name: str) -> None:
        """A Redis is killed and, after a while, comes back empty."""
        self.phase(f"{name} Redis killed")
        self.redis[name].kill()
        self.expect_degraded(self.services)
        self.dwell()
        self.redis[name].start()
        self.await_recovery()

    def stall(self, name: str) -> None:
        """A Redis says nothing for a while, and keeps its connections."""
        self.phase(f"{name} Redis stalled")
        self.redis[name].pause()
        self.expect_degraded(self.services)
        self.dwell()
        self.redis[name].resume()
        self.await_recovery()

    def expect_degraded(self, services: dict[str, Service]) -> None:
        """The processes have noticed: else nothing would be proved."""
        for name, service in services.items():
            wait_until(lambda one=service: self._state(one) == "degraded", RECOVERY_TIMEOUT, f"{name} is degraded")

    def await_recovery(self) -> None:
        for name, service in self.services.items():
            wait_until(lambda one=service: self._state(one) == "ready", RECOVERY_TIMEOUT, f"{name} is ready")

    @staticmethod
    def _state(service: Service) -> str:
        return service.admin("/readyz").json()["status"]

    def _straggle(self, service: Service) -> None:
        """Callers who still come straight to a process that drains are answered up to the end of its listener."""
        refused = 0
        # Twice: a connection may be made and not yet accepted when the listener closes.
        while refused < 2:
            trace = f"{self.load.run_identifier}{0xFFFF_0000 + len(self.stragglers):016x}"
            outcome = Outcome(f"drill-{trace}", trace, STRAGGLER, "stragglers", time.monotonic())
            fields = {"Accept": "application/json", "X-Request-ID": outcome.identifier}
            fields["traceparent"] = f"00-{trace}-{trace[16:]}-01"
            try:
                response = service.fib(STRAGGLER.n, fields=fields, timeout=STRAGGLER_TIMEOUT)
            except TimeoutError:
                # The end of a listener resets what it has not accepted: silence is an answer that is lost.
                self.problems.append(f"a straggler got no answer in {STRAGGLER_TIMEOUT:g} s")
                return
            except (OSError, ConnectionClosed) as error:
                refused += 1
                outcome.failure = repr(error)
                continue
            if refused:
                self.problems.append(f"a straggler got {self.stragglers[-1].failure}, and the next one an answer")
            refused = 0
            outcome.end, outcome.status = time.monotonic(), response.status
            reply = Reply(response.status, {key.lower(): value for key, value in response.fields}, response.body)
            outcome.failure = fault(STRAGGLER, reply, outcome.identifier)
            if not response.closes:
                outcome.failure = "no 'Connection: close' from a process that drains"
            self.stragglers.append(outcome)
            time.sleep(0.01)

    def _bury(self, name: str) -> Life:
        service = self.services[name]
        life = Life(name, 1 + sum(one.name == name for one in self.lives))
        life.exit_code = service.wait()
        life.ended = time.time_ns()
        life.lines, life.errors = service.stdout.lines, service.stderr.lines
        self.lives.append(life)
        return life

    def _end(self) -> None:
        for service in self.services.values():
            service.signal()
        for name in self.services:
            self._bury(name)
        statistics = self.balancer.statistics()["BACKEND"]
        self.figures["balancer"] = {
            "retries": int(statistics["wretr"]),
            "redispatches": int(statistics["wredis"]),
            "connection_errors": int(statistics["econ"]),
            "response_errors": int(statistics["eresp"]),
        }

    # What has to hold

    def _audit(self) -> None:
        outcomes = self.load.outcomes + self.stragglers
        failed = [one for one in outcomes if one.failure is not None]
        if failed:
            self.problems.append(f"{len(failed)} of {len(outcomes)} requests failed")
            describe(failed, self.begin, say=self.say)
        for life in self.lives:
            if life.exit_code != 0:
                self.problems.append(f"{life}: exit code {life.exit_code}")
            if life.errors:
                self.problems.append(f"{life}: wrote to standard error: {life.errors[:3]}")
        for key in ("retries", "redispatches"):
            if self.figures["balancer"][key] != 0:
                self.problems.append(f"the balancer counts {self.figures['balancer'][key]} {key}")
        answered = {one.identifier: one for one in outcomes if one.status is not None}
        self._audit_lines(answered)
        self._audit_spans({one.trace: one for one in answered.values()})

    def _audit_lines(self, answered: dict[str, Outcome]) -> None:
        found = collections.Counter()
        wrong = 0
        for life in self.lives:
            served = 0
            for line in life.lines:
                entry = json.loads(line)
                if entry["level"] in ("error", "critical"):
                    self.problems.append(f"{life}: {line}")
                if entry.get("logger") != "access":
                    continue
                served += 1
                found[entry["request_id"]] += 1
                outcome = answered.get(entry["request_id"])
                wrong += outcome is None or (outcome.trace, outcome.status) != (entry["trace_id"], entry["status"])
            if served == 0:
                self.problems.append(f"{life}: served nothing, so nothing is proved of it")
        missing = sum(identifier not in found for identifier in answered)
        self.figures["lines"] = {
            "of_requests": sum(found.values()),
            "missing": missing,
            "twice": sum(count > 1 for count in found.values()),
            "of_unanswered_requests_or_wrong": wrong,
        }
        self._expect_none("lines", "missing", "twice", "of_unanswered_requests_or_wrong")

    def _audit_spans(self, answered: dict[str, Outcome]) -> None:
        with self.collector.lock:
            spans = [span for span in self.collector.spans if span.kind == SERVER_KIND]
        found = collections.Counter(span.trace_id for span in spans)
        wrong = 0
        for span in spans:
            outcome = answered.get(span.trace_id)
            wrong += outcome is None or outcome.status != span.attributes.get("http.response.status_code")
        last_second, last_before_end_ms = {}, {}
        for life in self.lives[: -len(self.services)]:
            identifiers = {entry for line in life.lines if (entry := json.loads(line).get("span_id"))}
            distances = [life.ended - span.end for span in spans if span.span_id in identifiers]
            last_second[str(life)] = sum(distance <= 1_000_000_000 for distance in distances)
            last_before_end_ms[str(life)] = round(min(distances, default=0) / 1e6)
            if last_second[str(life)] == 0:
                self.problems.append(f"{life}: no span of its last second, so nothing is proved of the flush")
        self.figures["server_spans"] = {
            "received": len(spans),
            "all_received": len(self.collector.spans),
            "missing": sum(trace not in found for trace in answered),
            "twice": sum(count > 1 for count in found.values()),
            "of_unanswered_requests_or_wrong": wrong,
            # Of those that ended under load.
            "of_the_last_second": last_second,
            "last_before_the_end_ms": last_before_end_ms,
        }
        self._expect_none("server_spans", "missing", "twice", "of_unanswered_requests_or_wrong")

    def _expect_none(self, subject: str, *keys: str) -> None:
        for key in keys:
            if (count := self.figures[subject][key]) != 0:
                self.problems.append(f"{subject}, {key}: {count}".replace("_", " "))

    # What is told

    def summaries(self) -> list[Summary]:
        found = self.load.summaries()
        if self.stragglers:
            direct = Summary.of("straight to a process that drains", self.stragglers)
            # They come one after another, and not at all between drains.
            direct.longest_gap_ms = None
            found.insert(-1, direct)
        return found

    def report(self) -> str:
        lines = [table(self.summaries()), ""]
        lines += [f"{name.replace('_', ' ')}: {json.dumps(figures)}" for name, figures in self.figures.items()]
        lines.append(f"exit codes: {', '.join(f'{life}: {life.exit_code}' for life in self.lives)}")
        lines += ["", *(f"FAILED: {problem}" for problem in self.problems)]
        lines.append("" if self.problems else "no request failed, no line and no server span is missing")
        return "\n".join(lines)

    def as_json(self) -> dict:
        return {
            "passed": not self.problems,
            "problems": self.problems,
            "rate": self.pace.rate,
            "phases": [vars(summary) for summary in self.summaries()],
            "exit_codes": {str(life): life.exit_code for life in self.lives},
            **self.figures,
        }
