"""Clients that take all they can get, and clients that keep to a pace, over any number of services."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from checks import rate_limit
from service import Service


@dataclass
class Tally:
    """What the answers to one client were."""

    begin: float = 0.0
    end: float = 0.0
    admitted: int = 0
    admitted_by_redis: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    local: int = 0
    durations: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed(self) -> float:
        """From before the first request to after the last answer: never shorter than by the limiter's clock."""
        return self.end - self.begin

    def ceiling(self, budget: int, window: float) -> float:
        """The most that a bucket may admit in this time."""
        return budget + budget / window * self.elapsed


class Clients:
    """Threads that send requests until they are stopped; what goes wrong in one fails the test."""

    def __init__(self, services: list[Service], source: str, timeout: float = 10.0):
        self.services, self.source, self.timeout = services, source, timeout
        self.tally = Tally(begin=time.monotonic())
        self.stopped = threading.Event()
        self.failures: list[str] = []
        self.threads: list[threading.Thread] = []

    def greedy(self, costs: list[int]) -> Clients:
        """One client thread for each service, asking for `costs` (values of n) in turn without a pause."""
        for index, service in enumerate(self.services):
            self._start(self._run_greedy, service, costs[index % len(costs) :] + costs[: index % len(costs)])
        return self

    def paced(self, per_second: float) -> Clients:
        """One client that asks each service in turn for n = 10, evenly spaced."""
        self._start(self._run_paced, per_second)
        return self

    def stop(self) -> Tally:
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
        self.tally.end = time.monotonic()
        assert self.failures == [], self.failures[:3]
        return self.tally

    def _start(self, target, *arguments) -> None:
        def run() -> None:
            try:
                target(*arguments)
            except Exception as error:
                self.failures.append(repr(error))

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def _run_greedy(self, service: Service, indices: list[int]) -> None:
        with service.connect(self.timeout, source=self.source) as connection:
            while not self.stopped.is_set():
                for n in indices:
                    if self._ask(connection, n) == 429:
                        # Small enough to come back in time for the next token, and the others get the processors.
                        time.sleep(0.002)

    def _run_paced(self, per_second: float) -> None:
        connections = [service.connect(self.timeout, source=self.source) for service in self.services]
        try:
            begin = time.monotonic()
            count = 0
            while not self.stopped.wait(max(0.0, begin + count / per_second - time.monotonic())):
                self._ask(connections[count % len(connections)], 10)
                count += 1
        finally:
            for connection in connections:
                connection.close()

    def _ask(self, connection, n: int) -> int:
        begin = time.monotonic()
        response = connection.request(f"/v1/fib?n={n}", fields={"Accept": "text/plain"})
        duration = time.monotonic() - begin
        said = rate_limit(response)
        tally = self.tally
        with tally.lock:
            tally.durations.append(duration)
            tally.statuses[response.status] = tally.statuses.get(response.status, 0) + 1
            tally.local += said.is_local
            if response.status == 200:
                tally.admitted += said.cost
                tally.admitted_by_redis += 0 if said.is_local else said.cost
        return response.status
