"""A real Prometheus scrapes a service under mixed traffic: each panel and each recorded rule has data, and exemplars
lead to traces and lines."""

from __future__ import annotations

import itertools
import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from collector import Collector
from deployment import EXPORTED, Query, dashboard, queries, rules, runbook_expressions
from prometheus_server import PrometheusServer
from redis_server import RedisServer
from service import Service, wait_until

JOB = "fibonacci-api"
BUDGET = 300
DEAR = 13_000_000  # 272 tokens: one fits into the budget, two do not.
BEYOND_BUDGET = 19_000_000  # 398 tokens
STATUSES = {200, 204, 304, 400, 404, 405, 406, 412, 422, 429, 501, 503}
VARIABLES = {"job": JOB, "namespace": ".*", "instance": ".*", "route": "/v1/fib"}
VARIABLES |= {"__rate_interval": "15s", "search": ""}
PANELS = [query for query in queries(dashboard()) if query.datasource == "prometheus"]
RECORDED = [rule["record"] for rule in rules("record")]


@dataclass
class Traffic:
    """Sends every kind of request again and again until it is stopped."""

    service: Service
    seen: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.addresses = (f"127.99.{number // 250 % 250}.{1 + number % 250}" for number in itertools.count())
        self.fresh = itertools.count(1)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Traffic:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        self.thread.join(30)

    def run(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            while not self.stopping.is_set():
                try:
                    self.round(pool)
                except Exception as error:  # Anything at all: the test that looks at it says what it was.
                    self.failures.append(repr(error))
                self.stopping.wait(0.2)

    def send(self, target: str, method: str = "GET", source: str | None = None, **fields: str) -> None:
        parts = {"fields": {name.replace("_", "-"): value for name, value in fields.items()}}
        self.seen[self.service.request(target, method=method, source=source, **parts).status] += 1

    def round(self, pool: ThreadPoolExecutor) -> None:
        number = next(self.fresh)
        source = next(self.addresses)
        for path in ("/", "/docs", "/openapi.json", "/healthz", "/v1/cost?n=10", "/nothing"):
            self.send(path, source=source)
        for n in (10, 90, 100 + number % 50, 20_000 + number):
            self.send(f"/v1/fib?n={n}", source=source)
        self.send("/v1/fib?n=1000", "HEAD", source)
        self.send("/v1/fib?n=10", source=source, If_None_Match="*")
        self.send("/v1/fib?n=10", source=source, If_Match='"other"')
        self.send("/v1/fib?n=10", source=source, Accept="image/png")
        self.send("/v1/fib?n=abc", source=source)
        self.send("/v1/fib?n=99999999999", source=source)
        self.send(f"/v1/fib?n={BEYOND_BUDGET}", source=source)
        self.send("/v1/fib?n=10", "POST", source)
        self.send("/v1/fib", "OPTIONS", source)
        self.send("/v1/fib?n=10", "BREW", source)
        # One bucket, twice what it holds: 429. Four clients at once, and a queue for one computation: 503.
        greedy = next(self.addresses)
        for _ in range(2):
            self.send(f"/v1/fib?n={DEAR}", source=greedy)
        targets = [f"/v1/fib?n={DEAR + 4 * number + index}" for index in range(4)]
        list(pool.map(lambda target: self.send(target, source=next(self.addresses)), targets))


@dataclass
class Live:
    service: Service
    collector: Collector
    traffic: Traffic
    prometheus: PrometheusServer


@pytest.fixture(scope="module")
def live(binary: str) -> Iterator[Live]:
    redis, collector = RedisServer().start(), Collector()
    try:
        service = Service(
            REDIS_URL=redis.url,
            FIB_MAX_N=20_000_000,
            CACHE_MEMORY_BYTES=4_194_304,
            COMPUTE_THREADS=1,
            COMPUTE_QUEUE_COST=1,
            RATE_LIMIT_BUDGET=BUDGET,
            RATE_LIMIT_WINDOW_SECONDS=3,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_TRACES_SAMPLER="always_on",
            OTEL_BSP_SCHEDULE_DELAY=200,
        )
        with service, PrometheusServer(service.admin_port) as prometheus, Traffic(service) as traffic:
            scrapes = f'count_over_time(up{{job="{JOB}"}}[1m])'
            wait_until(
                lambda: any(count >= 8 for _, count in prometheus.query(scrapes)), 30, "eight scrapes", interval=0.2
            )
            yield Live(service, collector, traffic, prometheus)
    finally:
        collector.close()
        redis.close()


def filled_in(expression: str) -> str:
    """The expression as Grafana sends it, all variables filled in."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: VARIABLES[match.group(1)], expression)


def series_of(live: Live, expression: str) -> list[dict[str, str]]:
    """The labels of all series of an expression that have a value; waits for the first."""

    def found() -> list[dict[str, str]]:
        return [labels for labels, value in live.prometheus.query(expression) if math.isfinite(value)]

    return wait_until(found, 15, f"data for {expression}", interval=0.25)


def test_the_service_is_scraped(live):
    assert live.prometheus.query(f'up{{job="{JOB}"}}') == [
        ({"__name__": "up", "job": JOB, "instance": f"127.0.0.1:{live.service.admin_port}"}, 1)
    ]


def test_the_traffic_is_as_mixed_as_it_should_be(live):
    wait_until(lambda: set(live.traffic.seen) >= STATUSES, 20, f"{STATUSES}; so far {live.traffic.seen}")
    assert live.traffic.failures == []
    observed = f'count by (http_response_status_code) (http_server_request_duration_seconds_count{{job="{JOB}"}})'

    def scraped() -> set[int]:
        return {int(labels["http_response_status_code"]) for labels, _ in live.prometheus.query(observed)}

    wait_until(lambda: scraped() >= STATUSES, 10, "all statuses are scraped", interval=0.25)


def test_everything_that_rules_and_panels_may_read_is_exported(live):
    names = set(live.prometheus.get("label/__name__/values"))
    assert EXPORTED - names == set()


@pytest.mark.parametrize("query", PANELS, ids=lambda query: query.panel)
def test_a_panel_shows_data(live, query: Query):
    series_of(live, filled_in(query.expression))


def test_legends_name_labels_that_series_have(live):
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            if target["datasource"]["uid"] != "prometheus":
                continue
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            found = series_of(live, filled_in(target["expr"]))
            # A series without labels is the zero of what has not happened.
            assert any(wanted <= set(labels) for labels in found) or found == [{}], (panel["title"], wanted, found)


@pytest.mark.parametrize("variable", ["job", "instance", "route"])
def test_a_variable_has_values_to_choose_from(live, variable):
    listed = next(entry for entry in dashboard()["templating"]["list"] if entry["name"] == variable)
    selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", listed["query"]["query"]).groups()
    values = live.prometheus.get(f"label/{label}/values", **{"match[]": filled_in(selector)})
    assert values
    if listed["current"]["value"] != ["$__all"]:
        assert set(listed["current"]["value"]) <= set(values)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_rule_has_data(live, name):
    series_of(live, name)


def test_all_rules_can_be_evaluated(live):
    groups = live.prometheus.get("rules")["groups"]
    unhealthy = [
        (rule["name"], rule.get("lastError"))
        for group in groups
        for rule in group["rules"]
        if rule["health"] not in ("ok", "unknown") or rule.get("lastError")
    ]
    assert unhealthy == []


def test_what_the_runbook_asks_can_be_asked(live):
    for expression in runbook_expressions():
        live.prometheus.query(expression)


def test_an_exemplar_leads_to_a_trace_and_to_the_line_of_one_request(live):
    """The walk from a graph to a line, with the service's own parts in it."""

    def exemplars() -> list[tuple[dict, dict]]:
        data = live.prometheus.get(
            "query_exemplars",
            query='http_server_request_duration_seconds_bucket{http_route="/v1/fib"}',
            start=time.time() - 600,
            end=time.time(),
        )
        return [(entry["seriesLabels"], exemplar) for entry in data for exemplar in entry["exemplars"]]

    labels, exemplar = wait_until(exemplars, 15, "exemplars", interval=0.25)[0]
    trace = exemplar["labels"]["trace_id"]
    assert re.fullmatch(r"[0-9a-f]{32}", trace)
    assert re.fullmatch(r"[0-9a-f]{16}", exemplar["labels"]["span_id"])

    def written() -> list[dict]:
        return [json.loads(line) for line in list(live.service.stdout.lines) if trace in line]

    line = wait_until(written, 5, f"a line with the trace {trace}")[0]
    assert line["message"] == "request"
    assert line["span_id"] == exemplar["labels"]["span_id"]
    assert line["route"] == labels["http_route"]
    assert line["status"] == int(labels["http_response_status_code"])
    assert line["duration_ms"] / 1000 == pytest.approx(float(exemplar["value"]), rel=0.5, abs=0.002)
    span = live.collector.wait_for(1, trace_id=trace, span_id=line["span_id"])[0]
    assert span.attributes["http.route"] == labels["http_route"]
    assert span.attributes["http.response.status_code"] == line["status"]
